-- No row comes back where there is no such source.
select
    id,
    nextval('event_id_seq')
from source
where code = $1
