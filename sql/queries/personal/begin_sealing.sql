insert into sealing ("table", key)
values ($1, $2)
on conflict ("table") do update set
    after_id = case when sealing.key = excluded.key then sealing.after_id else 0 end,
    done = sealing.key = excluded.key and sealing.done,
    key = excluded.key,
    at = now()
returning after_id, done
