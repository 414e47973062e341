select position::text::int8, at, coalesce(feature_id, 0)
from change
where client_key = $1
