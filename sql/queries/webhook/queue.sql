insert into webhook_delivery (out_id, seq, body, next_at)
values ($1, $2, $3, $4)
on conflict (out_id, seq) do nothing
