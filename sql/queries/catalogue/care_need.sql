insert into care_need (bit, code, name, name_en)
values ($1, $2, $3, $4)
on conflict (code) do update set name = excluded.name, name_en = excluded.name_en
