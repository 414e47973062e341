select id, at, position::text::int8, model_id, day, silences
from risk_input
where position <= $1::text::xid8
order by position desc, id desc
limit 1
