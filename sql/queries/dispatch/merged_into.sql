select coalesce(merged_into, 0)
from event
where id = $1
