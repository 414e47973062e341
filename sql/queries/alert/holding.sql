select
    a.id, a.sender, a.identifier, a.sent, a.status, a.type, a.scope, a.severity, a.infos, a.notes, a.signed,
    a.begins_at, a.ends_at, a.ended_at, a.received_at, a.position::text::int8
from alert a
where a.ended_at is null
and a.type in ('Alert', 'Update')
and a.status in ('Actual', 'Exercise')
and a.begins_at <= $1
and a.ends_at > $1
and (a.scope = 'Public' or $2)
-- $3: everywhere. Else what touches the place, by shape or by the codes of it, of what it is in and of what is in it;
-- $6: and what says in words only where it holds.
and ($3 or exists (
    select
    from alert_area r
    left join place p on p.id = $4
    where r.alert_id = a.id
    and (
        r.shape && p.geom and st_intersects(r.shape, p.geom) and (st_covers(r.shape, p.geom) or not st_touches(r.shape, p.geom))
        or r.points && p.geom and st_intersects(r.points, p.geom)
        or r.codes && $5::text[]
    )
) or $6 and not exists (
    select
    from alert_area r
    where r.alert_id = a.id
    and (r.shape is not null or r.points is not null or r.codes <> '{}')
))
order by a.severity, a.begins_at desc, a.id desc
limit $7
