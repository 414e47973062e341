-- The supporter's own part, or what the lead has fed back.
update assignment a
set done_at = $3
from worker w
where a.event_id = $1
    and w.actor = $2
    and a.ended_at is null
    and a.done_at is null
    and a.lead = $4
    and (a.worker_id = w.id or a.worker_id is null and a.unit_id = w.unit_id)
