select
    id, code, level, coalesce(parent_id, 0), name, name_en,
    label, box2d(geom)::geometry, coalesce(area_m2, 0)
from place
where valid_from <= $1::date
and (valid_to is null or valid_to > $1::date)
