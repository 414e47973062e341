insert into session (hash, account_id, method, network, agent, created_at, seen_at, idle, expires_at)
values ($1, $2, $3, $4, $5, $6, $6, make_interval(secs => $7::float8), $8)
returning id
