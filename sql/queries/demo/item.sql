insert into item (id, code, class, name, name_en, department_id, level, deadline_hours, steps)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
