select coalesce(max(position)::text::int8, 0)
from change
where position <= $1::text::xid8
