update source
set last_at = now()
where id = $1
