update event
set reporter = $2, seal = $3
where id = $1
