select
    count(*) filter (where starts_with(title, $1::text)),
    count(*)
from event
