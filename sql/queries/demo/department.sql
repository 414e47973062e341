insert into department (id, code, name, name_en)
values ($1, $2, $3, $4)
