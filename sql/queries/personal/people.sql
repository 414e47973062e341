select
    p.id, coalesce(p.name, ''), coalesce(p.id_number, ''), coalesce(p.phone, ''), coalesce(p.home, ''), coalesce(a.id, 0),
    coalesce(a.text, ''), p.class, p.gender, p.birth, p.care, p.geom, coalesce(p.place_id, 0), s.name, s.name_en
from person p
join source s on s.id = p.source_id
left join address a on a.id = p.address_id
where p.id = any($1::int8[])
