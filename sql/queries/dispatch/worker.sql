select w.id, w.unit_id, u.code, w.label
from worker w
join unit u on u.id = w.unit_id
where w.id = $1
