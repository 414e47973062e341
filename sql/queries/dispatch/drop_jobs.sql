delete from clock_job
where event_id = $1
    and fired_at is null
