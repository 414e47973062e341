update source
set last_at = greatest(last_at, now())
where code = $1
returning id
