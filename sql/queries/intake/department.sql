select id
from department
where code = $1
