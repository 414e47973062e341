update item
set valid_to = case when $3::date is not null then greatest(valid_from, $3::date) end
where code = $1
and version = $2
