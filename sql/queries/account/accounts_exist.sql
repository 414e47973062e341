select exists (
    select
    from account
    where not demo
)
