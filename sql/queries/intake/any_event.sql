select exists (
    select 1
    from event
    where source_id = $1
)
