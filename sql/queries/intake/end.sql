update import_run
set state = $2,
    message = $3,
    ended_at = now()
where id = $1
and state = 'running'
