insert into source (code, name, name_en, department_id, kind, datum)
values ($1, $2, $3, $4, $5, nullif($6::text, ''))
on conflict (code) do update set
    name = excluded.name,
    name_en = excluded.name_en,
    department_id = excluded.department_id,
    datum = excluded.datum
returning id
