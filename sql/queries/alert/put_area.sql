-- Each polygon is made valid by itself, so that overlapping ones add up instead of cutting each other out.
insert into alert_area (alert_id, info, area, description, shape, points, geocodes, codes)
select $1, $2, $3, $4, (
        select st_multi(u.geom)
        from (
            select st_union(st_collectionextract(st_makevalid(d.geom), 3)) geom
            from st_dump($5::geometry) d
        ) u
        where not st_isempty(u.geom)
    ), $6, $7, $8
returning box2d(st_collect(shape, points))::geometry
