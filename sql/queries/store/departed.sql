select kind, max(position)::text::int8
from change
where op <> 'put' or not (old_geom ~= new_geom)
group by kind
