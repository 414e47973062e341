update assignment
set done_at = null
where event_id = $1
    and ended_at is null
    and lead
