update session
set ended_at = $2, ended_why = $3
where hash = $1
and ended_at is null
returning account_id
