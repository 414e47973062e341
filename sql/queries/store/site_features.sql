-- A unit of a tile is as wide as the Mercator world is, over 4096 and all tiles of the zoom.
select
    id,
    coalesce(place_id, 0),
    0::int2, -- departments answer for events
    name,
    case when st_dimension(geom) > 0 then st_asmvtgeom(
        st_simplify(st_transform(geom, 3857), 40075016.6855785 / 4096 / 2 ^ $2::int4, true),
        st_tileenvelope($2::int4, $3::int4, $4::int4), 4096, $5::int4, true
    ) end
from site
where id = any($1::int8[])
