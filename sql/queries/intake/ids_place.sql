select nextval(pg_get_serial_sequence('place', 'id'))
from generate_series(1, $1::int4)
