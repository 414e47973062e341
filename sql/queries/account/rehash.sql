update account
set password = $3
where id = $1
and password = $2
