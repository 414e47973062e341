update address a
set plain_text = null, text = s.text, seal = $3
from unnest($1::bigint[], $2::bytea[]) s (id, text)
where a.id = s.id
