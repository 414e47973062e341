select step, at, to_status
from event_step
where event_id = $1
order by id
