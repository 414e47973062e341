insert into item (
    code, version, class, name, name_en, subclass, object, department_id, duty, level, deadline_hours, level_hours, round_clock,
    steps, requires, photos, verify_level, dup_meters, dup_hours, repeat_days, valid_from, valid_to
)
select
    $1, $2, class.id, $4, $5, $6, $7, (select id from department where code = $8), $9, $10, $11, $12, $13, $14, $15, $16, $17,
    nullif($18::int4, 0), nullif($19::int4, 0), nullif($20::int4, 0), $21, $22
from class
where class.kind = 'event'
and class.code = $3
