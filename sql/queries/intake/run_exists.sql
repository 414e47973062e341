select exists (
    select 1
    from import_run
    where id = $1
)
