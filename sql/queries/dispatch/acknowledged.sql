select t.read_at, coalesce(i.place_id, 0)
from instruction i
join instruction_to t on t.instruction_id = i.id
where i.id = $1
    and t.worker_id = (select id from worker where actor = $2)
