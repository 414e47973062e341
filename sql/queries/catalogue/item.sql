insert into item (code, class, name, name_en, department_id, level, deadline_hours, steps, round_clock, photos, level_hours)
select $1, class.id, $3, $4, (select id from department where code = $5), $6, $7, $8, $9, $10, $11
from class
where class.kind = 'event'
and class.code = $2
on conflict (code, version) do update set
    class = excluded.class,
    name = excluded.name,
    name_en = excluded.name_en,
    department_id = excluded.department_id,
    level = excluded.level,
    deadline_hours = excluded.deadline_hours,
    steps = excluded.steps,
    round_clock = excluded.round_clock,
    photos = excluded.photos,
    level_hours = excluded.level_hours
