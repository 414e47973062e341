select id
from person
where phone_index = $1
order by id
limit $2
