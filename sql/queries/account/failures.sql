with failed as (
    select unnest($1::bigint[]) as id, unnest($2::int[]) as n, unnest($3::timestamptz[]) as at
)
update account a
set failed = least(a.failed::bigint + failed.n, 1000000), failed_at = failed.at
from failed
where a.id = failed.id
and (a.signed_in_at is null or a.signed_in_at < failed.at)
