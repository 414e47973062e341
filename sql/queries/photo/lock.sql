select pg_advisory_xact_lock(hashtextextended('onepicture photos', 0))
