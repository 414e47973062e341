insert into change (
    actor, reason, client_key, kind, op, feature_id, ids,
    old_geom, new_geom, old_place, new_place, old_layers, new_layers, record, fields,
    old_department, new_department
) values (
    $1, $2, nullif($3::text, ''), $4, $5, $6, $7::text::int8multirange,
    $8, $9, $10, $11, $12, $13, $14, coalesce($15::text[], '{}'),
    nullif($16::int2, 0), nullif($17::int2, 0)
)
returning position::text::int8, at
