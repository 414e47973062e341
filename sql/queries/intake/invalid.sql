select
    t.n::int4 - 1,
    (t.detail).reason,
    -- Each point of the plane inside once: the area by the ring's direction is that by even and odd crossings.
    case
        when abs(st_area(t.mended) - st_area(t.shape)) <= 1e-9 * st_area(t.shape) and st_area(t.shape) > 0 then t.mended
    end
from (
    select
        u.n,
        s.shape,
        st_isvaliddetail(s.shape) as detail,
        st_collectionextract(st_makevalid(s.shape), 3) as mended
    from unnest($1::bytea[]) with ordinality u (bytes, n)
    cross join lateral (select st_geomfromewkb(u.bytes) as shape) s
    where not st_isvalid(s.shape)
) t
