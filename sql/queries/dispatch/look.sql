select
    case when merged_into is null then status else 10 end, status, coalesce(merged_into, 0), merged_at, version, command, level, class, coalesce(item_id, 0), channel, whistled, reported_at, due_at, closed_at,
    fed_back_at, clock_at, suspended_at, geom, coalesce(place_id, 0), coalesce(department_id, 0)
from event
where id = $1
