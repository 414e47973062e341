update clock_job
set run_at = $2, paused_at = null
where id = $1
