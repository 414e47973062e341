insert into citizen_service (item, offered, attributes)
values ($1, $2, $3)
on conflict (item) do update
set offered = excluded.offered, attributes = excluded.attributes
