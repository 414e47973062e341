select
    u.code, u.name, u.name_en, u.level, coalesce(u.place_id, 0), coalesce(u.department_id, 0),
    (select count(*) from worker w where w.unit_id = u.id and not w.desk),
    (select count(*) from worker w where w.unit_id = u.id and not w.desk and w.on_duty),
    (
        select count(*) from assignment a join event e on e.id = a.event_id
        where a.unit_id = u.id and a.ended_at is null and e.merged_into is null
    )
from unit u
where u.place_id is null or u.place_id = any($1::int4[])
order by u.level, u.code
