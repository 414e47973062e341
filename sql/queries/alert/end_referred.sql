-- Only a sender's own messages are ended by it.
update alert old
set ended_at = now(), ended_by = new.id, position = pg_current_xact_id()
from alert new
join alert_reference r on r.alert_id = new.id
where new.id = $1
and new.type in ('Update', 'Cancel')
and (old.sender, old.identifier, old.sent) = (r.sender, r.identifier, r.sent)
and old.sender = new.sender
and old.status = new.status
and old.id <> new.id
and old.ended_at is null
returning old.id
