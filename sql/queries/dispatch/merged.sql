-- Reports that were merged into an event, the first first.
select id, title, reported_at, merged_at, coalesce(place_id, 0), coalesce(department_id, 0), version
from event
where merged_into = $1
order by reported_at, id
