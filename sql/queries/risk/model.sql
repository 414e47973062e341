select id, made_at, day, places, fitted
from risk_model
where $1 = 0 or id = $1
order by id desc
limit 1
