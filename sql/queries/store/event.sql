select
    e.id, e.title, e.description, coalesce(e.address, ''), e.attributes, e.class, coalesce(e.item_id, 0), e.level,
    case when e.merged_into is null then e.status else 10 end, e.channel, e.reported_at, e.due_at, e.closed_at, e.version, e.geom, coalesce(e.place_id, 0), coalesce(e.department_id, 0),
    s.name, s.name_en, e.position::text::int8
from event e
join source s on s.id = e.source_id
where e.id = $1
