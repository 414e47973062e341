select
    id, st_x(anchor), st_y(anchor), place_id, class, status, updated_at, position,
    case when st_dimension(geom) > 0 then st_xmin(geom) end,
    case when st_dimension(geom) > 0 then st_ymin(geom) end,
    case when st_dimension(geom) > 0 then st_xmax(geom) end,
    case when st_dimension(geom) > 0 then st_ymax(geom) end
from site
where true -- what chooses the rows is appended
