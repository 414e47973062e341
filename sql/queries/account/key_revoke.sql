update service_key
set revoked_by = $2, revoked_at = $3
where id = $1
and revoked_at is null
