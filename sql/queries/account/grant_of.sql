select account_id, role, coalesce(place_id, 0)
from role_grant
where id = $1
and revoked_at is null
