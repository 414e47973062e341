update event
set
    status = $2,
    version = $3,
    command = $4,
    level = $5,
    class = $6,
    item_id = nullif($7::int2, 0),
    whistled = $8,
    due_at = $9,
    closed_at = $10,
    fed_back_at = $11,
    clock_at = $12,
    suspended_at = $13,
    merged_into = nullif($14::int8, 0),
    merged_at = $15,
    department_id = nullif($16::int2, 0),
    position = pg_current_xact_id()
where id = $1
