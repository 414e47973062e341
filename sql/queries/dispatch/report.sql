insert into event (
    id, source_id, key, item_id, class, level, status, channel, title, description, address,
    reported_at, due_at, geom, place_id, orig_datum, orig_x, orig_y, hash, department_id
) values (
    $1, $2, $3, nullif($4::int2, 0), $5, $6, 1, $7, $8, $9, nullif($10::text, ''),
    $11, $12, $13, nullif($14::int4, 0), nullif($15::text, ''), $16, $17, $18, nullif($19::int2, 0)
)
