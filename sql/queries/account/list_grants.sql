select
    account_id, id, role, coalesce(place_id, 0), coalesce(department_id, 0),
    valid_from, valid_until, granted_by, reason
from role_grant
where account_id = any($1::bigint[])
and revoked_at is null
and (valid_until is null or valid_until > $2)
order by account_id, id
