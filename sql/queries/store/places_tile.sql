with frame as (
    select
        st_tileenvelope($1, $2, $3) as tile,
        st_transform(st_tileenvelope($1, $2, $3, margin => 64.0 / 4096), 4326) as box
),
shown as (
    select p.id, p.code, p.level, p.name, p.name_en, p.geom, p.label
    from frame
    join place p on p.geom && frame.box
    where p.level <= case when $1 >= 13 then 4 when $1 >= 10 then 3 else 2 end
    and p.valid_from <= $4::date
    and (p.valid_to is null or p.valid_to > $4::date)
),
area as (
    select
        s.id, s.code, s.level, s.name, s.name_en,
        st_asmvtgeom(st_transform(s.geom, 3857), frame.tile, 4096, 64, true) as geom
    from shown s
    cross join frame
),
label as (
    select
        s.id, s.code, s.level, s.name, s.name_en,
        st_asmvtgeom(st_transform(s.label, 3857), frame.tile, 4096, 0, true) as geom
    from shown s
    cross join frame
    where s.label && st_transform(frame.tile, 4326)
)
select
    coalesce((select st_asmvt(f, 'place', 4096, 'geom', 'id')
        from (select * from area where geom is not null order by level, id) f), ''::bytea)
    || coalesce((select st_asmvt(f, 'place_label', 4096, 'geom', 'id')
        from (select * from label where geom is not null order by level, id) f), ''::bytea)
