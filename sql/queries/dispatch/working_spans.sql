select extract(epoch from starts)::int4, extract(epoch from ends)::int4
from working_span
order by starts
