select
    c.feature_id, c.position::text::int8, c.op = 'delete', c.record, coalesce(c.old_place, 0),
    c.old_geom is not null, coalesce(c.new_place, 0)
from change c
where c.kind = 'event'
and c.op <> 'batch'
and c.feature_id in (
    select later.feature_id from change later
    where later.kind = 'event' and later.op <> 'batch' and later.position > $1::text::xid8
)
order by c.feature_id, c.seq
