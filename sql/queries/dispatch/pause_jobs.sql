update clock_job
set paused_at = $2
where event_id = $1
    and fired_at is null
    and paused_at is null
