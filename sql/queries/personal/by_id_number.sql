select id
from person
where id_number_index = $1
order by id
limit $2
