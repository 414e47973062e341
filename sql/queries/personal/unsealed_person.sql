select
    id, key, plain_name, plain_id_number, plain_phone, name, id_number, phone, home, seal
from person
where id > $1 and seal is distinct from $2
order by id
limit $3
for update
