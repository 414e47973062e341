select id, coalesce(password, ''), disabled_at is not null or demo and not $2::boolean
from account
where name = $1
