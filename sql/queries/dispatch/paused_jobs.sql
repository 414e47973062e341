select id, run_at, paused_at
from clock_job
where event_id = $1
    and fired_at is null
    and paused_at is not null
for update
