select exists (
    select
    from session
    where account_id = $1
    and network = $2
)
