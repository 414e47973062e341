select w.id, w.unit_id, u.code, w.label, coalesce(u.department_id, 0)
from worker w
join unit u on u.id = w.unit_id
where w.id = $1
