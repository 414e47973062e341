with old as (
    delete from oidc_used
    where used_at < $2::timestamptz - interval '1 hour'
)
insert into oidc_used (digest, used_at)
values ($1, $2)
on conflict do nothing
