update assignment
set started_at = coalesce(started_at, $2)
where event_id = $1
    and ended_at is null
    and lead
