select distinct on (code) code, id::int4, class::int4, level::int4, deadline_hours, coalesce(department_id, 0)::int4
from item
where valid_from <= (select (now() at time zone zone)::date from deployment)
and (valid_to is null or valid_to > (select (now() at time zone zone)::date from deployment))
order by code, version desc
