select source_id, class, (channel = 1) as patrol, coalesce(place_id, 0), count(*)
from event
where reported_at >= $1
and reported_at < $2
and status <> 8
and merged_into is null
group by 1, 2, 3, 4
