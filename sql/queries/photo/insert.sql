with added as (
    insert into photo (event_id, role, hash, width, height, bytes, taken_at, actor)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    returning id, added_at
), ended as (
    update photo_upload
    set photo_id = added.id
    from added
    where photo_upload.id = $9
)
select id, added_at
from added
