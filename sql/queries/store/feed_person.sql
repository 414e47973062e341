select
    id, st_x(geom), st_y(geom), coalesce(place_id, 0), class, gender, care,
    coalesce(birth - date '1970-01-01', -2147483648), position::text::int8
from person
where id between $1 and $2
