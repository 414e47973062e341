select id
from unit
where code = $1
