insert into source (code, name, name_en, department_id, kind, cadence, datum)
values ($1, $2, $3, (select id from department where code = $4), $5, nullif($6::text, '')::interval, nullif($7::text, ''))
on conflict (code) do update set
    name = excluded.name,
    name_en = excluded.name_en,
    department_id = excluded.department_id,
    kind = excluded.kind,
    cadence = excluded.cadence,
    datum = excluded.datum
