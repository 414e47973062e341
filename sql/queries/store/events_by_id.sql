select
    id, title, class, coalesce(item_id, 0), level, case when merged_into is null then status else 10 end, channel,
    reported_at, due_at, closed_at, geom, coalesce(place_id, 0), coalesce(department_id, 0), version
from event
where id = any($1::int8[])
order by reported_at desc, id desc
