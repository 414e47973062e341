-- Workers on duty around a point, with what each has in hand. Those of the event's own place come from anywhere in it.
select
    w.id, w.label, w.label_en, u.code, u.name, u.name_en, w.skills, w.capacity, w.geom, w.seen_at,
    st_distancesphere(w.geom, $1::geometry),
    (
        select count(*) from assignment a join event e on e.id = a.event_id
        where a.worker_id = w.id and a.ended_at is null and e.merged_into is null
    )
from worker w
join unit u on u.id = w.unit_id
where w.on_duty
    and not w.desk
    and w.geom is not null
    and w.seen_at > $3
order by w.geom <-> $1::geometry
limit $2
