with administrators as (
    select a.id
    from account a
    where a.disabled_at is null
    and (a.password is not null or exists (select from oidc_identity i where i.account_id = a.id))
    and exists (
        select
        from role_grant g
        where g.account_id = a.id
        and g.role = 'administrator'
        and g.place_id is null
        and g.revoked_at is null
        and g.valid_from <= $2
        and (g.valid_until is null or g.valid_until > $2)
    )
)
select coalesce(bool_and(id = $1), false)
from administrators
