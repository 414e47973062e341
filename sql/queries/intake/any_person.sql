select exists (
    select 1
    from person
    where source_id = $1
)
