insert into release (place_id, exact, configured, total, layers, classes)
values ($1, $2, $3::text::xid8, $4, $5, $6)
on conflict (place_id) do update set
    exact = excluded.exact,
    configured = excluded.configured,
    total = excluded.total,
    layers = excluded.layers,
    classes = excluded.classes,
    position = pg_current_xact_id()
