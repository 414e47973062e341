select
    i.id, i.text, i.actor, coalesce(w.label, ''), coalesce(w.label_en, ''), i.at, coalesce(i.place_id, 0), coalesce(i.event_id, 0),
    coalesce(e.place_id, 0), coalesce(e.department_id, 0),
    (select count(*) from instruction_to t where t.instruction_id = i.id),
    (select count(*) from instruction_to t where t.instruction_id = i.id and t.read_at is not null)
from instruction i
left join worker w on w.actor = i.actor
left join event e on e.id = i.event_id
where ($1::int8 = 0 or i.id = $1)
    and ($2::int8 = 0 or i.event_id = $2)
order by i.at desc, i.id desc
limit $3
