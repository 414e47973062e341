update place
set code = $2,
    level = $3,
    parent_id = $4,
    name = $5,
    name_en = $6,
    geom = $7,
    label = $8,
    area_m2 = $9,
    valid_from = $10,
    valid_to = $11,
    source_id = $12,
    hash = $13,
    position = pg_current_xact_id()
where id = $1
