insert into instruction_to (instruction_id, worker_id)
select $1, unnest($2::int4[])
