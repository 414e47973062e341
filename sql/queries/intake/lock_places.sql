select id
from place
where id = any($1::int4[])
for key share
