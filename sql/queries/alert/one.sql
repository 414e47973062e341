select
    a.id, a.sender, a.identifier, a.sent, a.status, a.type, a.scope, a.severity, a.infos, a.notes, a.signed,
    a.begins_at, a.ends_at, a.ended_at, a.received_at, a.position::text::int8
from alert a
where a.id = $1
and (a.scope = 'Public' or $2)
