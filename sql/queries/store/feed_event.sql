select
    id, st_x(geom), st_y(geom), coalesce(place_id, 0), class, coalesce(item_id, 0), status, level,
    channel + case when closed_at > due_at then 256 else 0 end,
    floor(extract(epoch from reported_at) / 60)::int4,
    coalesce(floor(extract(epoch from due_at) / 60)::int4, 0), position::text::int8
from event
where id between $1 and $2
