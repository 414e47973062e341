-- Claimed for two minutes: should this server end meanwhile, another one tries then.
update webhook_delivery d
set next_at = $1::timestamptz + interval '2 minutes'
from (
    select id
    from webhook_delivery
    where done_at is null and dead_at is null and next_at <= $1
    order by next_at
    limit $2
    for update skip locked
) due, webhook_out o
where d.id = due.id and o.id = d.out_id and o.enabled
returning d.id, d.seq, d.body, d.attempts, o.id, o.code, o.url, o.secret
