select
    coalesce(e.place_id, 0), e.class, e.channel,
    (e.reported_at at time zone $1)::date - date '1970-01-01',
    st_x(e.geom), st_y(e.geom)
from event e
where e.status <> 8
and e.merged_into is null
and e.reported_at < $2::timestamptz
