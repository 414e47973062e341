select system_identifier || '.' || oid
from pg_control_system(), pg_database
where datname = current_database()
