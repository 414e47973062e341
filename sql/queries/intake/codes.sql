select 'class' as set, code, id::int4
from class
where kind = $1
union all
select 'care', code, bit::int4
from care_need
