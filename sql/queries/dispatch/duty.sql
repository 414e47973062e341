-- Who does not share, or is off duty, leaves no position.
update worker
set
    on_duty = $2,
    geom = case when $2 and $5 then coalesce($3, geom) end,
    seen_at = case when $2 and $5 then case when $3::geometry is null then seen_at else $4 end end
where actor = $1
returning id
