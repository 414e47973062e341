update role_grant
set revoked_by = $2, revoked_at = $3, revoke_reason = $4
where id = $1
and revoked_at is null
returning account_id
