update worker
set on_duty = $2, geom = case when $2 then coalesce($3, geom) end, seen_at = case when $2 then case when $3::geometry is null then seen_at else $4 end end
where actor = $1
returning id
