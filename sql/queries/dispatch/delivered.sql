-- A source's last delivery is kept to the second and touched by whoever finds the row free: were it written by each
-- report, every report would wait until the one before it has committed.
with stale as (
    select id
    from source
    where code = $1
        and (last_at is null or last_at < now() - interval '1 second')
    for no key update skip locked
)
update source
set last_at = greatest(source.last_at, now())
from stale
where source.id = stale.id
