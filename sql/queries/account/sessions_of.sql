select id, method, network, agent, created_at, seen_at, least(seen_at + idle, expires_at)
from session
where account_id = $1
and ended_at is null
and expires_at > $2
and seen_at + idle > $2
order by seen_at desc, id desc
