select id, name, display, display_en, demo, disabled_at is not null, password is not null, signed_in_at, failed
from account
where (lower(name) like $1 or lower(display) like $1 or lower(display_en) like $1)
and name > $2
and ($4::bigint = 0 or id = $4)
and (
    $5::int[] is null
    or not exists (
        select from role_grant g
        where g.account_id = account.id and g.revoked_at is null and (g.valid_until is null or g.valid_until > $6)
    )
    or exists (
        select from role_grant g
        where g.account_id = account.id and g.revoked_at is null and (g.valid_until is null or g.valid_until > $6)
        and g.place_id = any($5::int[])
    )
)
order by name
limit $3
