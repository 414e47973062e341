select id, geom
from place
where valid_from <= $1::date
and (valid_to is null or valid_to > $1::date)
and geom is not null
