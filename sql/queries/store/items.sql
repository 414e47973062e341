select id, code, version, class, name, name_en, coalesce(department_id, 0), level, deadline_hours, steps,
    photos, round_clock, level_hours, subclass, object, duty, requires, verify_level, coalesce(dup_meters, 0),
    coalesce(dup_hours, 0), coalesce(repeat_days, 0), valid_from, valid_to
from item
order by id
