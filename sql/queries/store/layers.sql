select
    id, code, kind, coalesce(bit, 0), "group", group_en, name, name_en, filter, color, shape,
    min_zoom, visible, sort, coalesce(department_id, 0), coalesce(source_id, 0)
from layer
order by sort, id
