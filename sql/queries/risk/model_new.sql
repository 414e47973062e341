insert into risk_model (day, places, fitted)
values ($1, $2, $3::jsonb)
returning id
