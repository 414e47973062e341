select
    (select count(*) from photo where event_id = $1),
    (select count(*) from photo_upload where actor = $2 and photo_id is null and created_at > now() - interval '1 day')
