-- What an actor has in hand, the nearest deadline first.
select e.id
from worker w
join assignment a on a.ended_at is null and (a.worker_id = w.id or a.worker_id is null and a.unit_id = w.unit_id)
join event e on e.id = a.event_id
where w.actor = $1
    and e.merged_into is null
    and e.status in (3, 4, 5, 9)
group by e.id
order by min(case when e.status in (3, 4) then 0 else 1 end), e.due_at nulls last, e.id
limit $2
