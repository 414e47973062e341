update item
set valid_to = greatest(valid_from, $3)
where code = $1
and version < $2
and (valid_to is null or valid_to > $3)
