select id, code, name, name_en, coalesce(extract(epoch from cadence)::int8, 0), last_at
from source
where kind in ('event', 'mixed')
order by id
