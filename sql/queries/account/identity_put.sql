insert into oidc_identity (issuer, subject, name, account_id, linked_by, linked_at)
values ($1, nullif($2, ''), nullif($3, ''), $4, $5, $6)
on conflict (issuer, account_id) do update
set subject = excluded.subject, name = excluded.name, linked_by = excluded.linked_by, linked_at = excluded.linked_at
