insert into calendar_day (day, working, name, name_en)
values ($1::text::date, $2, $3, $4)
on conflict (day) do update set working = excluded.working, name = excluded.name, name_en = excluded.name_en
