select id, null::text, reporter
from event
where id > $1 and reporter is not null and seal is distinct from $2
order by id
limit $3
for update
