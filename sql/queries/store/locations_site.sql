select id, st_x(anchor), st_y(anchor), position::text::int8
from site
where id = any($1::int8[])
