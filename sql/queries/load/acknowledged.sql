select count(*)
from event
where id = any($1::int8[])
