select id, event_id, kind
from clock_job
where fired_at is null
    and paused_at is null
    and run_at <= $1
order by run_at, id
limit $2
