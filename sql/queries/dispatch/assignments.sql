select
    a.event_id, u.code, u.name, u.name_en, coalesce(w.id, 0), coalesce(w.label, ''), coalesce(w.label_en, ''), a.lead,
    a.suggested, a.assigned_at, a.started_at, a.done_at, a.ended_at
from assignment a
join unit u on u.id = a.unit_id
left join worker w on w.id = a.worker_id
where a.event_id = any($1::int8[])
order by a.event_id, a.id
