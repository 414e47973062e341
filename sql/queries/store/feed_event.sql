select
    id, st_x(geom), st_y(geom), place_id, class, item_id, status, level, channel, case when closed_at is not null then coalesce(fed_back_at, closed_at) > due_at end,
    reported_at, due_at, position, department_id, closed_at
from event
where merged_into is null -- it is counted as the one that it was merged into; what chooses the rows is appended
