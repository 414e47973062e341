select row, "column", class, reason
from rejected_row
where run_id = $1
and row > $2
order by row
limit $3
