insert into webhook_in (code, name, secret, mapping, enabled)
values ($1, $2, $3, $4, $5)
on conflict (code) do update
set name = excluded.name, secret = excluded.secret, mapping = excluded.mapping, enabled = excluded.enabled
returning id
