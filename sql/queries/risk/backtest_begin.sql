update risk_backtest
set state = 'running', message = '', started_at = coalesce(started_at, now()), ended_at = null
where id = $1
and state <> 'done'
returning spec
