select id, coalesce(place_id, 0), name, geom
from site
where id = any($1::int8[])
