select a.id
from account a
where exists (
    select
    from role_grant g
    where g.account_id = a.id
    and g.role = 'administrator'
    and g.place_id is null
    and g.revoked_at is null
)
order by a.id
for update
