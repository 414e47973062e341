select role, coalesce(place_id, 0), coalesce(department_id, 0), created_at, expires_at
from service_key
where id = $1
and revoked_at is null
and expires_at > $2
