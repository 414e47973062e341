select coalesce(max(id), 0)
from risk_backtest
where state = 'done'
