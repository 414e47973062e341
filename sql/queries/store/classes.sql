select kind, id, code, name, name_en, "group", color, shape
from class
order by kind, id
