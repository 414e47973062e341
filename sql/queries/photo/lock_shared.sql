select pg_advisory_xact_lock_shared(hashtextextended('onepicture photos', 0))
