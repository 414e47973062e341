update service_key
set expires_at = least(expires_at, $2)
where id = $1
and revoked_at is null
and expires_at > $3
returning title, role, coalesce(place_id, 0), coalesce(department_id, 0)
