with before as (
    select id, failed
    from account
    where id = $1
    for update
)
update account a
set signed_in_at = $2, failed = 0, failed_at = null
from before
where a.id = before.id
returning before.failed
