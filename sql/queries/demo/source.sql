insert into source (id, code, name, name_en, department_id, kind, cadence, datum, last_at, synthetic)
values ($1, $2, $3, $4, $5, $6, $7::text::interval, $8, $9, true)
