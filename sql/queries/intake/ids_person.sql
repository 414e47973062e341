select nextval(pg_get_serial_sequence('person', 'id'))
from generate_series(1, $1::int4)
