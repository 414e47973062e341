-- The event's row is locked until the change has its number, as every write does it.
update event
set position = pg_current_xact_id()
where id = $1
returning
    id, class, coalesce(item_id, 0), level, status, channel, reported_at, due_at, closed_at,
    coalesce(closed_at is not null and coalesce(fed_back_at, closed_at) > due_at, false),
    geom, coalesce(place_id, 0), coalesce(department_id, 0)
