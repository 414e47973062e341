select id, horizon, score, version, reason, actor, at
from risk_objection
where place_id = $1
and class = $2
order by id desc
limit 20
