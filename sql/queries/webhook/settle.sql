update webhook_delivery
set attempts = $2, next_at = coalesce($3, next_at), done_at = $4, dead_at = $5, outcome = $6
where id = $1
