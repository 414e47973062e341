select pg_notify('change', pg_current_xact_id()::text)
