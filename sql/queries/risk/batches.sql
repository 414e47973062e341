select position::text::int8, ids
from change
where kind = 'event'
and op = 'batch'
