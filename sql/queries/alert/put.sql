insert into alert (
    sender, identifier, sent, status, type, scope, severity, note, infos, notes, signed, digest, begins_at, ends_at
) values (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
)
on conflict (sender, identifier, sent) do nothing
returning id
