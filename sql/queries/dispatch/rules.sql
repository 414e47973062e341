select
    r.id, r.item, r.category, coalesce(r.place_id, 0), r.hours, u.code, u.name, u.name_en, u.id, coalesce(w.id, 0),
    coalesce(w.label, ''), coalesce(w.label_en, ''), r.automatic, r.note, r.made_at, r.made_by, r.ended_at, coalesce(r.ended_by, '')
from dispatch_rule r
join unit u on u.id = r.unit_id
left join worker w on w.id = r.worker_id
where r.ended_at is null
    or $1 and r.id in (select e.id from dispatch_rule e where e.ended_at is not null order by e.id desc limit 1000)
order by r.id
