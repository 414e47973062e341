select coalesce(max(newest.position) >= pg_snapshot_xmax(pg_current_snapshot()), false)
from (
    select position
    from change
    order by position desc
    limit 1
) newest
