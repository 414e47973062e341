-- What anybody may know of citizens' reports. One that was merged into another goes the other's way.
select
    c.event_id, c.token, e.item_id, e.reported_at, e.geom, coalesce(m.department_id, 0), m.status, m.due_at, m.closed_at,
    coalesce((select max(s.at) from event_step s where s.event_id = m.id), m.reported_at)
from citizen_case c
join event e on e.id = c.event_id
join event m on m.id = coalesce(e.merged_into, e.id)
where ($1::bigint[] is null or e.id = any($1))
and ($2::int2[] is null or e.item_id = any($2))
and e.reported_at >= $3
and e.reported_at < $4
and ($5::boolean is null or (m.status in (7, 8)) = $5)
order by e.reported_at desc, e.id desc
limit $6 offset $7
