select to_regprocedure($1::text || '(timestamptz, interval)') is not null
