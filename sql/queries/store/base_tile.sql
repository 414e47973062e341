with frame as (
    select
        st_tileenvelope($1, $2, $3) as tile,
        st_transform(st_tileenvelope($1, $2, $3, margin => 64.0 / 4096), 4326) as box
),
drawn as (
    select
        case
            when b.class like 'road\_%' then 'road'
            when b.class like 'landuse\_%' or b.class = 'farmland' then 'landuse'
            else b.class
        end as layer,
        b.id,
        b.class,
        case when b.class like 'road\_%' then substr(b.class, 6) end as rank,
        nullif(b.name, '') as name,
        nullif(b.name_en, '') as name_en,
        st_asmvtgeom(st_transform(b.geom, 3857), frame.tile, 4096, 64, true) as geom
    from frame
    join base_feature b on b.geom && frame.box
    where b.min_zoom <= $1
),
layers as (
    select st_asmvt(f, f.layer, 4096, 'geom', 'id') as bytes
    from (select * from drawn where geom is not null order by id) f
    group by f.layer
    order by f.layer
)
select coalesce(string_agg(bytes, ''::bytea), ''::bytea)
from layers
