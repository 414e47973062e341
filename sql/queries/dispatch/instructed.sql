-- Who got an instruction: those who have not read it first.
select w.id, w.label, w.label_en, u.code, u.name, u.name_en, w.on_duty, t.read_at
from instruction_to t
join worker w on w.id = t.worker_id
join unit u on u.id = w.unit_id
where t.instruction_id = $1
order by t.read_at nulls first, w.id
