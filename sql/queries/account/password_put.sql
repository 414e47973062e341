update account
set password = $2, password_at = $3
where id = $1
