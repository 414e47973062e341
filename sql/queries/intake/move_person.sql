update person t
set place_id = nullif(m.place, 0),
    position = pg_current_xact_id()
from unnest($1::int8[], $2::int4[]) m (id, place)
where t.id = m.id
