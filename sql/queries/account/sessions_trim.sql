update session
set ended_at = $2, ended_why = 'replaced'
where id in (
    select id
    from session
    where account_id = $1
    and ended_at is null
    order by seen_at desc, id desc
    offset $3
)
