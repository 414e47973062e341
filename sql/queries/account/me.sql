select a.name, a.display, a.display_en, s.created_at, s.expires_at, extract(epoch from s.idle)::float8
from session s
join account a on a.id = s.account_id
where s.hash = $1
