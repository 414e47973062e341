select coalesce(password, ''), disabled_at is not null
from account
where id = $1
