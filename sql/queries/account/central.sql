with grids as (
    select g.id, g.parent_id as village, g.label, count(p.id) as people
    from place g
    left join person p on p.place_id = g.id
    where g.level = 4
    and g.valid_to is null
    group by g.id
),
central as (
    select v.id, v.parent_id as town
    from place v
    join grids g on g.village = v.id
    where v.parent_id is not null
    group by v.id
    having count(*) >= 2
    order by sum(g.people) desc, v.id
    limit 1
),
own as (
    select g.id, g.label
    from grids g
    join central c on c.id = g.village
    order by g.people desc, g.id
    limit 1
)
select c.town, c.id, o.id, (
    select g.id
    from grids g
    where g.village = c.id
    and g.id <> o.id
    order by st_distance(g.label, o.label), g.id
    limit 1
), (
    select d.id
    from department d
    order by d.code <> 'urban_management', d.id
    limit 1
)
from central c
cross join own o
