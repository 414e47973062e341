select id, code, name, name_en
from department
order by id
