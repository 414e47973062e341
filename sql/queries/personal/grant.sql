insert into unmask (actor, kind, feature_id, purpose, reason, beyond, granted_at, expires_at)
values ($1, 'person', $2, $3, $4, $5, now(), now() + $6::interval)
returning granted_at, expires_at
