select id, event_id, role, hash, width, height, bytes, taken_at, added_at
from photo
where id = $1
