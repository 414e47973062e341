insert into instruction (text, actor, at, place_id, event_id)
values ($1, $2, $3, nullif($4::int4, 0), nullif($5::int8, 0))
returning id
