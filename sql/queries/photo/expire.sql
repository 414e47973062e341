delete from photo_upload
where created_at < $1
    and (photo_id is null or created_at < $2)
returning id
