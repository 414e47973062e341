insert into dispatch_rule (item, category, place_id, hours, unit_id, worker_id, automatic, note, made_at, made_by)
values ($1, $2, nullif($3::int4, 0), $4, $5, nullif($6::int4, 0), $7, $8, $9, $10)
on conflict (item, category, coalesce(place_id, 0), hours) where ended_at is null do nothing
returning id
