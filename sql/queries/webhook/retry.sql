update webhook_delivery d
set dead_at = null, attempts = 0, next_at = $2
from webhook_out o
where o.id = d.out_id and o.code = $1 and d.dead_at is not null
