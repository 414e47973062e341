select id
from risk_backtest
where state = 'queued'
order by id
limit 1
