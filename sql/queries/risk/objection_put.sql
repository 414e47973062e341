insert into risk_objection (place_id, class, horizon, score, version, reason, actor)
values ($1, $2, $3, $4, $5, $6, $7)
returning id
