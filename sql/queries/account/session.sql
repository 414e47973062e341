select s.id, s.account_id, s.seen_at, extract(epoch from s.idle)::float8, s.expires_at
from session s
join account a on a.id = s.account_id
where s.hash = $1
and s.ended_at is null
and s.expires_at > $2
and s.seen_at + s.idle > $2
and a.disabled_at is null
and (not a.demo or $3::boolean)
