select distinct on (item.code)
    item.code, item.version, class.code, item.name, item.name_en, item.subclass, item.object, coalesce(department.code, ''), item.duty,
    item.level, item.deadline_hours, item.level_hours, item.round_clock, item.steps, item.requires, item.photos, item.verify_level,
    coalesce(item.dup_meters, 0), coalesce(item.dup_hours, 0), coalesce(item.repeat_days, 0),
    item.valid_from, item.valid_to
from item
join class on class.kind = item.class_kind and class.id = item.class
left join department on department.id = item.department_id
order by item.code, item.version desc
