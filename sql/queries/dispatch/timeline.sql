select
    s.id, s.step, s.actor, s.at, s.done_at, s.from_status, s.to_status, s.version, s.command, s.note, s.reason,
    s.evidence, s.detail, s.geom, coalesce(w.label, ''), coalesce(w.label_en, ''), coalesce(u.code, ''),
    coalesce(u.name, ''), coalesce(u.name_en, '')
from event_step s
left join worker w on w.actor = s.actor
left join unit u on u.id = w.unit_id
where s.event_id = $1
order by s.id
