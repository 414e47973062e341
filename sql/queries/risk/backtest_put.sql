insert into risk_backtest_part (backtest_id, division, category, result)
values ($1, $2, $3, $4::jsonb)
on conflict (backtest_id, division, category) do update
set result = excluded.result, made_at = now()
