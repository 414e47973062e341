-- No row comes back where there is no such source.
insert into event (
    source_id, key, item_id, class, level, status, channel, title, description, address,
    reported_at, due_at, geom, place_id, orig_datum, orig_x, orig_y, hash, department_id
)
select
    id, $2, nullif($3::int2, 0), $4, $5, 1, $6, $7, $8, nullif($9::text, ''),
    $10, $11, $12, nullif($13::int4, 0), nullif($14::text, ''), $15, $16, $17, nullif($18::int2, 0)
from source
where code = $1
returning id
