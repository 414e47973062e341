select id, expires_at, used_at
from service_key
where hash = $1
and revoked_at is null
and expires_at > $2
