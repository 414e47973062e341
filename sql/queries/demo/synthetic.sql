with marked as (
    update source
    set synthetic = true, last_at = $1
)
update deployment
set synthetic = true
