select pg_try_advisory_xact_lock(hashtextextended('onepicture release', 0))
