select st_transform(st_setsrid(st_geomfromewkb(u.shape), $2::int4), 4326)
from unnest($1::bytea[]) with ordinality u (shape, n)
order by u.n
