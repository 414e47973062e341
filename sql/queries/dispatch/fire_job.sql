update clock_job
set fired_at = $2
where id = $1
    and fired_at is null
    and paused_at is null
    and run_at <= $2
returning run_at
