select purpose, reason, beyond, expires_at
from unmask
where actor = $1 and kind = 'person' and feature_id = $2 and expires_at > now()
order by expires_at desc
limit 1
