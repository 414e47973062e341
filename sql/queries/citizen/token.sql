select event_id
from citizen_case
where token = $1
