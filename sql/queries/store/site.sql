select
    t.id, t.name, t.class, t.status, coalesce(t.address, ''), t.attributes, t.updated_at, t.anchor,
    coalesce(t.place_id, 0), s.name, s.name_en, t.position::text::int8
from site t
join source s on s.id = t.source_id
where t.id = $1
