select t.n::int4 - 1, (t.detail).reason
from (
    select u.n, st_isvaliddetail(st_geomfromewkb(u.shape)) as detail
    from unnest($1::bytea[]) with ordinality u (shape, n)
) t
where not (t.detail).valid
