insert into risk_input (position, model_id, day, silences)
values ($1::text::xid8, $2, $3, $4::jsonb)
returning id, at
