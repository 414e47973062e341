insert into risk_picture (input_id, class, horizon, terms)
values ($1, $2, $3, $4)
on conflict (input_id, class, horizon) do nothing
