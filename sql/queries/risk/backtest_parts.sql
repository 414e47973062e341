select division, category, result
from risk_backtest_part
where backtest_id = $1
order by division, category
