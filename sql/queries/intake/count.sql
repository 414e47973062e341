update import_run
set read = read + $2,
    put = put + $3,
    unchanged = unchanged + $4,
    rejected = rejected + $5,
    outside = outside + $6,
    overlapping = overlapping + $7,
    repaired = repaired + $8
where id = $1
and state = 'running'
