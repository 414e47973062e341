select pg_advisory_unlock(hashtext('risk backtest'))
