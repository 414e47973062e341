insert into care_need (bit, code, name, name_en)
values ($1, $2, $3, $4)
