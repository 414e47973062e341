select kind, place, count(*)
from (
    select 'person' as kind, coalesce(place_id, 0) as place from person
    union all
    select 'site', coalesce(place_id, 0) from site
    union all
    select 'event', coalesce(place_id, 0) from event where merged_into is null
) f
group by kind, place
