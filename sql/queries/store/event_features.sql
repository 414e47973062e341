select id, coalesce(place_id, 0), title, geom
from event
where id = any($1::int8[])
