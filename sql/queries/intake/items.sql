select distinct on (code) code, id::int4, class::int4, level::int4, deadline_hours
from item
order by code, version desc
