select (now() at time zone zone)::date from deployment
