insert into assignment (event_id, unit_id, worker_id, lead, assigned_at, assigned_by, suggested)
values ($1, $2, nullif($3::int4, 0), $4, $5, $6, $7)
