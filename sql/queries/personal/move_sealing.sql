update sealing
set after_id = $3, done = $4, at = now()
where "table" = $1 and key = $2
