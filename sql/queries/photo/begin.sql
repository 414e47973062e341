insert into photo_upload (id, actor, event_id, role, size, taken_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (id) do nothing
