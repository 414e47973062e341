-- What an actor is to an event, as far as the database knows.
select
    coalesce(w.id, 0),
    coalesce(w.unit_id, 0),
    w.id is null or w.desk and u.department_id is null,
    coalesce(u.level, 1),
    exists (
        select from assignment a
        where a.event_id = $1 and a.ended_at is null and a.lead
            and (a.worker_id = w.id or a.worker_id is null and a.unit_id = w.unit_id)
    ),
    exists (
        select from assignment a
        where a.event_id = $1 and a.ended_at is null and not a.lead and a.done_at is null
            and (a.worker_id = w.id or a.worker_id is null and a.unit_id = w.unit_id)
    ),
    exists (select from event_step s where s.event_id = $1 and s.actor = $2 and s.step in ('start', 'part', 'feedback'))
        or exists (select from assignment a where a.event_id = $1 and a.worker_id = w.id),
    exists (select from event_step s where s.event_id = $1 and s.actor = $2 and s.step = 'report'),
    (select count(*) from assignment a where a.event_id = $1 and a.ended_at is null and not a.lead and a.done_at is null)
from (values ($2::text)) me (actor)
left join worker w on w.actor = me.actor
left join unit u on u.id = w.unit_id
