select feature_id
from change
where kind = 'event'
and op <> 'batch'
and feature_id > $1
