-- Who does not share, or is off duty, leaves no position.
with me as (
    update worker
    set on_duty = $2
    where actor = $1
    returning id
), erased as (
    delete from presence p
    using me
    where p.worker_id = me.id and not ($2 and $3)
), told as (
    insert into presence (worker_id, place_id, geom, seen_at)
    select id, nullif($4::int4, 0), $5::geometry, $6::timestamptz
    from me
    where $2 and $3 and $5 is not null
    on conflict (worker_id) do update
    set place_id = excluded.place_id, geom = excluded.geom, seen_at = excluded.seen_at
)
select id from me
