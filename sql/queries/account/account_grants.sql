select
    id, role, coalesce(place_id, 0), coalesce(department_id, 0),
    valid_from, valid_until
from role_grant
where account_id = $1
and revoked_at is null
and (valid_until is null or valid_until > $2)
order by id
