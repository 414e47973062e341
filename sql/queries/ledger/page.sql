select (
    select position::text::int8
    from change
    where position > $1::text::xid8
    and position <= $2::text::xid8
    order by position, seq
    offset $3::int8
    limit 1
)
