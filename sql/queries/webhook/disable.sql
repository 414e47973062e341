update webhook_out
set enabled = false
where id = $1
