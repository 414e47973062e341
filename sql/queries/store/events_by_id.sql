select
    id, title, class, coalesce(item_id, 0), level, status, channel,
    reported_at, due_at, closed_at, geom, coalesce(place_id, 0), version
from event
where id = any($1::int8[])
order by reported_at desc, id desc
