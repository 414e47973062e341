insert into class (kind, id, code, name, name_en, "group", color, shape)
values ($1, (select coalesce(max(id) + 1, $8) from class where kind = $1), $2, $3, $4, $5, $6, $7)
on conflict (kind, code) do update set
    name = excluded.name,
    name_en = excluded.name_en,
    "group" = excluded."group",
    color = excluded.color,
    shape = excluded.shape
