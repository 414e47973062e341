update risk_backtest
set now = $2, done = $3, total = $4
where id = $1
returning state
