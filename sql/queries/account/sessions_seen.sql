with seen as (
    select unnest($1::bytea[]) as hash, unnest($2::timestamptz[]) as at
)
update session s
set seen_at = greatest(s.seen_at, seen.at)
from seen
where s.hash = seen.hash
and s.ended_at is null
returning s.hash
