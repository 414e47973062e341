select
    s.id, s.code, s.name, s.name_en, coalesce(s.department_id, 0), s.kind,
    extract(epoch from s.cadence)::int8, s.last_at, s.synthetic
from source s
order by s.id
