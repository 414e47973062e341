insert into key_check (sealed, digest)
values ($1, $2)
on conflict do nothing
