select id, name, display, display_en, demo, disabled_at is not null, password is not null, signed_in_at, failed
from account
where (lower(name) like $1 or lower(display) like $1 or lower(display_en) like $1)
and name > $2
and ($4::bigint = 0 or id = $4)
order by name
limit $3
