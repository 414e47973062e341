select id
from source
where id = $1
for key share
