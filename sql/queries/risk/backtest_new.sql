insert into risk_backtest (spec, actor)
values ($1::jsonb, $2)
returning id
