-- Earlier events of the item at the place, handled or not.
select id, coalesce(place_id, 0), coalesce(department_id, 0)
from event
where geom && st_makeenvelope($2, $3, $4, $5, 4326)
    and st_distancesphere(geom, $1::geometry) <= $6
    and item_id in (select i.id from item i join item own on own.code = i.code where own.id = $7)
    and merged_into is null
    and status <> 8
    and (reported_at, id) < ($9, $10)
    and reported_at >= $8
order by reported_at, id
