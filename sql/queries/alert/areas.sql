-- For a map: 100 m are not seen on an area of so many corners.
select
    alert_id, info, description,
    case when st_npoints(shape) > 300 then st_multi(st_simplifypreservetopology(shape, 0.001)) else shape end,
    points, geocodes
from alert_area
where alert_id = any($1)
order by alert_id, info, area
