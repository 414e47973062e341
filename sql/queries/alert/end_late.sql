-- What ends this one came before it.
update alert old
set ended_at = now(), ended_by = new.id
from alert_reference r
join alert new on new.id = r.alert_id
where old.id = $1
and (old.sender, old.identifier, old.sent) = (r.sender, r.identifier, r.sent)
and new.type in ('Update', 'Cancel')
and old.sender = new.sender
and old.status = new.status
and new.id <> old.id
