with seen as (
    select unnest($1::bytea[]) as hash, unnest($2::timestamptz[]) as at
)
update service_key k
set used_at = greatest(k.used_at, seen.at)
from seen
where k.hash = seen.hash
and k.revoked_at is null
returning k.hash
