select d.id, d.seq, d.attempts, d.dead_at, d.outcome
from webhook_delivery d
join webhook_out o on o.id = d.out_id
where o.code = $1 and d.dead_at is not null
order by d.id
limit 200
