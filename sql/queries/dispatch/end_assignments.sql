update assignment
set ended_at = $2
where event_id = $1
    and ended_at is null
