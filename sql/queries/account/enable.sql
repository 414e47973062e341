update account
set disabled_by = null, disabled_at = null
where id = $1
