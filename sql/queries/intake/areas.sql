select p.id, p.code, p.level::int8, coalesce(p.area_m2, 0), p.geom
from place p
cross join deployment d
where p.geom is not null
and p.valid_from <= (now() at time zone d.zone)::date
and (p.valid_to is null or p.valid_to > (now() at time zone d.zone)::date)
