select distinct network
from session
where created_at > $1::timestamptz - interval '30 days'
and network <> ''
limit 200000
