-- Workers on duty who tell where they are, with what each has in hand.
select
    w.id, w.label, w.label_en, u.code, u.name, u.name_en, w.capacity, coalesce(p.place_id, 0), p.geom, p.seen_at,
    (
        select count(*) from assignment a join event e on e.id = a.event_id
        where a.worker_id = w.id and a.ended_at is null and e.merged_into is null
    )
from presence p
join worker w on w.id = p.worker_id
join unit u on u.id = w.unit_id
where w.on_duty
    and not w.desk
    and p.seen_at > $1
order by w.id
limit 20000
