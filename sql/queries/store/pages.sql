-- How many pages a kind's table has, at least as many as the rows of any snapshot taken before need.
select pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint
