update event e
set reporter = s.text, seal = $3
from unnest($1::bigint[], $2::bytea[]) s (id, text)
where e.id = s.id
