select id, st_x(geom), st_y(geom), position::text::int8
from person
where id = any($1::int8[])
