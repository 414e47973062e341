insert into clock_job (event_id, kind, round, run_at)
values ($1, $2, $3, $4)
on conflict (event_id, kind, round) do nothing
