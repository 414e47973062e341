-- Workers who handle, by number or all who are on duty now, with the place that their unit serves and the one where they are.
select w.id, w.actor, coalesce(u.place_id, 0), coalesce(p.place_id, 0)
from worker w
join unit u on u.id = w.unit_id
left join presence p on p.worker_id = w.id
where not w.desk
    and (w.id = any($1::int4[]) or cardinality($1::int4[]) = 0 and w.on_duty)
order by w.id
