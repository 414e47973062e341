update risk_backtest
set state = $2
where id = $1
and state = any($3::text[])
