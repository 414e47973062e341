select coalesce(max(position)::text::int8, 0)
from change
where kind in ('place', 'layer', 'catalogue')
