select kind, keep, extract(epoch from keep)::int8, name, name_en
from retention
order by kind
