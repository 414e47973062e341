select id
from risk_backtest
where state in ('queued', 'running')
order by id
limit 1
