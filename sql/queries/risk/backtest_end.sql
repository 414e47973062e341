update risk_backtest
set state = $2, message = $3, now = '', ended_at = now()
where id = $1
