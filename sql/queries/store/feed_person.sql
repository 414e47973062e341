select id, st_x(geom), st_y(geom), place_id, class, gender, care, birth, position
from person
where id between $1 and $2
