select w.id, u.code, u.name, u.name_en, u.level, w.label, w.label_en, w.desk, w.on_duty, p.seen_at
from worker w
join unit u on u.id = w.unit_id
left join presence p on p.worker_id = w.id
where w.actor = $1
