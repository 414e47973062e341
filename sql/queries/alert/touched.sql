-- Places down to villages that the areas touch, and whether one area holds all of the place. To share an edge is not
-- to touch; it is looked at last, because it costs most.
select t.alert_id, t.place_id, bool_or(t.whole)
from (
    select c.alert_id, c.place_id, c.whole
    from (
        select r.alert_id, p.id place_id, r.shape, p.geom, st_covers(r.shape, p.geom) whole
        from alert_area r
        join place p on p.geom && r.shape and st_intersects(r.shape, p.geom)
        where r.alert_id = any($1)
        and p.level <= 3 and p.valid_from <= $2::date and (p.valid_to is null or p.valid_to > $2::date)
    ) c
    where c.whole or not st_touches(c.shape, c.geom)
    union all
    select r.alert_id, p.id, false
    from alert_area r
    join place p on p.geom && r.points and st_intersects(p.geom, r.points)
    where r.alert_id = any($1)
    and p.level <= 3 and p.valid_from <= $2::date and (p.valid_to is null or p.valid_to > $2::date)
    union all
    select r.alert_id, p.id, true
    from alert_area r
    join place p on p.code = any(r.codes)
    where r.alert_id = any($1)
    and p.level <= 3 and p.valid_from <= $2::date and (p.valid_to is null or p.valid_to > $2::date)
) t
group by t.alert_id, t.place_id
