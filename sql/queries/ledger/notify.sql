select pg_notify('change', $1)
