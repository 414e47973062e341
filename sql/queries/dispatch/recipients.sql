-- Workers who handle, by number or all who are on duty now, with the place that their unit serves.
select w.id, w.actor, coalesce(u.place_id, 0), w.geom
from worker w
join unit u on u.id = w.unit_id
where not w.desk
    and (w.id = any($1::int4[]) or cardinality($1::int4[]) = 0 and w.on_duty)
order by w.id
