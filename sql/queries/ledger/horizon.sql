select
    -- Taken before the statement's snapshot: whatever had committed by then is below xmax.
    statement_timestamp(),
    pg_snapshot_xmin(s)::text::int8,
    pg_snapshot_xmax(s)::text::int8
from pg_current_snapshot() s
