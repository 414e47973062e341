select event_id, role, size, taken_at, photo_id
from photo_upload
where id = $1
    and actor = $2
