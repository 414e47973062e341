select id, st_x(geom), st_y(geom), coalesce(place_id, 0)
from event
where id > $1
order by id
limit $2
