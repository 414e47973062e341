with pair as (
    select a.code, b.code as other, st_area(st_intersection(a.geom, b.geom)::geography) as area_m2
    from place a
    join place b on b.geom && a.geom and b.level = a.level and b.id <> a.id
    where a.id = any($1::int4[])
    and (a.id < b.id or b.id <> all($1::int4[]))
    and daterange(a.valid_from, a.valid_to) && daterange(b.valid_from, b.valid_to)
    and st_relate(a.geom, b.geom, '2********')
),
large as (
    select code, other, area_m2
    from pair
    where area_m2 > $2
)
select
    count(*),
    coalesce((array_agg(code order by area_m2 desc, code))[1], ''),
    coalesce((array_agg(other order by area_m2 desc, code))[1], ''),
    coalesce(max(area_m2), 0)
from large
