update presence p
set seen_at = now()
from worker w
where w.id = p.worker_id
    and w.on_duty
    and (w.actor like 'demo:%' or w.actor in (select 'a' || id from account where demo))
