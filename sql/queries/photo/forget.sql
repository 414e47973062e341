delete from photo_upload
where id = $1
    and photo_id is null
