-- Messages of one sender one after another: each sees those that it ends, or by which it is ended.
select pg_advisory_xact_lock(hashtextextended('alert ' || $1, 0))
