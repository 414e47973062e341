-- Without an end: what is complete when the statement begins; whoever has asked for the horizon just before keeps what lies
-- below that.
select
    seq,
    position::text::int8,
    at,
    actor,
    reason,
    coalesce(client_key, ''),
    kind,
    op,
    coalesce(feature_id, 0),
    ids::text,
    old_geom,
    new_geom,
    coalesce(old_place, 0),
    coalesce(new_place, 0),
    old_layers,
    new_layers,
    record,
    fields,
    coalesce(old_department, 0),
    coalesce(new_department, 0)
from change
where position > $1::text::xid8
and position < coalesce($2::text::xid8, pg_snapshot_xmin(pg_current_snapshot()))
order by position, seq
limit $3
