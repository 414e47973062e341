select id, plain_text, text
from address
where id > $1 and seal is distinct from $2
order by id
limit $3
for update
