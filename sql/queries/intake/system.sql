select coalesce(proj4text, ''), coalesce(srtext, '')
from spatial_ref_sys
where srid = $1::int4
