select st_x(t.geom), st_y(t.geom)
from (
    select u.n, st_transform(st_setsrid(st_makepoint(u.x, u.y), $3::int4), 4326) as geom
    from unnest($1::float8[], $2::float8[]) with ordinality u (x, y, n)
) t
order by t.n
