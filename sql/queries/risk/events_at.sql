select e.id, e.position::text::int8, coalesce(e.place_id, 0), e.class, e.channel, e.status, e.reported_at
from event e
where e.merged_into is null
order by e.id
