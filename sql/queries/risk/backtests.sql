select id, spec, state, message, now, done, total, made_at, started_at, ended_at
from risk_backtest
where $1 = 0 or id = $1
order by id desc
limit $2
