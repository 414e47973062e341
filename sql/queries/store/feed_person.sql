select id, st_x(geom), st_y(geom), place_id, class, gender, care, birth, position
from person
where true -- what chooses the rows is appended
