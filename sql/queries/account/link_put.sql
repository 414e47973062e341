insert into sign_in_link (hash, account_id, created_by, created_at, expires_at)
values ($1, $2, $3, $4, $5)
