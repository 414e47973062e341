select id, coalesce(department_id, 0)
from unit
where code = $1
