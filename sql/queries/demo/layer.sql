insert into layer (
    code, kind, bit, "group", group_en, name, name_en, filter, color, shape,
    min_zoom, visible, sort, department_id, source_id
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
