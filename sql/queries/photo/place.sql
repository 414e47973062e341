select coalesce(place_id, 0), coalesce(department_id, 0)
from event
where id = $1
