update sign_in_link
set used_at = $2
where hash = $1
and used_at is null
and expires_at > $2
returning account_id, created_by, created_at
