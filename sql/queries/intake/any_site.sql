select exists (
    select 1
    from site
    where source_id = $1
)
