select
    id, st_x(geom), st_y(geom), place_id, class, item_id, status, level, channel, closed_at > due_at,
    reported_at, due_at, position
from event
where id between $1 and $2
