insert into place (
    id, code, level, parent_id, name, name_en, geom, label, area_m2, valid_from, valid_to, source_id, hash
) values (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
)
