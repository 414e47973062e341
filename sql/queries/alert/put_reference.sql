insert into alert_reference (alert_id, sender, identifier, sent)
values ($1, $2, $3, $4)
on conflict do nothing
