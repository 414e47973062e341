insert into event_step (
    event_id, step, actor, at, done_at, from_status, to_status, version, command, note, reason, evidence, detail, geom
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12::text[], '{}'), $13, $14)
