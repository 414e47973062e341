insert into webhook_out (code, url, secret, types, place, enabled)
values ($1, $2, $3, $4, $5, $6)
on conflict (code) do update
set url = excluded.url, secret = excluded.secret, types = excluded.types, place = excluded.place, enabled = excluded.enabled
returning id
