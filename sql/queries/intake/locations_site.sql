select id, st_x(anchor), st_y(anchor), coalesce(place_id, 0)
from site
where id > $1
order by id
limit $2
