select
    id,
    kind,
    name = $2 and name_en = $3 and department_id is not distinct from $4::int2
    and coalesce(datum, '') = $5
from source
where code = $1
