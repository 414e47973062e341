-- Open events of a category in a box whose reports are not far apart in time: which of them are alike is decided on these.
select
    id, coalesce(item_id, 0), title, description, reported_at, coalesce(place_id, 0), coalesce(department_id, 0), st_distancesphere(geom, $1::geometry),
    status
from event
where geom && st_makeenvelope($2, $3, $4, $5, 4326)
    and class = $6
    and merged_into is null
    and status not in (7, 8)
    and reported_at between $7 and $8
    and id <> $9
order by geom <-> $1::geometry, id
limit 200
