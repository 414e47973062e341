insert into class (kind, id, code, name, name_en, "group", color, shape)
values ($1, $2, $3, $4, $5, $6, $7, $8)
