update account
set disabled_by = $2, disabled_at = $3
where id = $1
and disabled_at is null
