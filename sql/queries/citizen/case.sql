-- The row is held until the transaction ends: tries of the code come one after another.
select
    c.code, c.wrong, c.wrong_at, c.rating, c.rating_words, c.rated_at,
    e.item_id, e.reported_at, e.geom, coalesce(e.place_id, 0), coalesce(e.department_id, 0), coalesce(m.department_id, 0), m.id, m.status, m.due_at, m.closed_at
from citizen_case c
join event e on e.id = c.event_id
join event m on m.id = coalesce(e.merged_into, e.id)
where c.event_id = $1
for no key update of c
