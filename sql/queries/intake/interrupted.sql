update import_run
set state = 'failed',
    ended_at = now(),
    message = 'interrupted after ' || read || ' rows; what was put stays'
where source_id = $1
and state = 'running'
