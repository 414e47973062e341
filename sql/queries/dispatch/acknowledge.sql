update instruction_to
set read_at = greatest($3, (select at from instruction where id = $1)), told_at = $4
where instruction_id = $1
    and worker_id = (select id from worker where actor = $2)
    and read_at is null
