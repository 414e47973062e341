select
    id, st_x(anchor), st_y(anchor), coalesce(place_id, 0), class, status,
    floor(extract(epoch from updated_at) / 60)::int4, position::text::int8,
    case when st_dimension(geom) > 0 then box2d(geom)::geometry end
from site
where id between $1 and $2
