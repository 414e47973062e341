select pg_notify('account', $1::text)
