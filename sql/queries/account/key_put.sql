insert into service_key (prefix, hash, title, role, place_id, created_by, created_at, expires_at, rotated_from, department_id)
values ($1, $2, $3, $4, nullif($5::int, 0), $6, $7, $8, nullif($9::bigint, 0), nullif($10::smallint, 0))
returning id
