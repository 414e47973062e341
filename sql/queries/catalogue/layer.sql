insert into layer (
    code, kind, bit, "group", group_en, name, name_en, filter, color, shape,
    min_zoom, visible, sort, department_id, source_id
)
values (
    $1, $2,
    -- The lowest bit that no other layer of the kind has.
    case when $2 <> 'place' then (
        select min(free) from generate_series(0, 64) free where free not in (select bit from layer where kind = $2)
    ) end,
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    (select id from department where code = $13),
    (select id from source where code = $14)
)
on conflict (code) do update set
    "group" = excluded."group",
    group_en = excluded.group_en,
    name = excluded.name,
    name_en = excluded.name_en,
    filter = excluded.filter,
    color = excluded.color,
    shape = excluded.shape,
    min_zoom = excluded.min_zoom,
    visible = excluded.visible,
    sort = excluded.sort,
    department_id = excluded.department_id,
    source_id = excluded.source_id
