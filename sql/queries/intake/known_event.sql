select k.n::int4 - 1, t.id, t.hash
from unnest($2::text[]) with ordinality k (key, n)
join event t on t.source_id = $1 and t.key = k.key
