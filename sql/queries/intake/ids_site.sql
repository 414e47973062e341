select nextval(pg_get_serial_sequence('site', 'id'))
from generate_series(1, $1::int4)
