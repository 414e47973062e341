select place_id, exact, configured::text::int8, total, layers, classes, position::text::int8
from release
where $1::int8multirange @> place_id::int8
