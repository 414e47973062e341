with marked as (
    update source
    set synthetic = true, last_at = case when code = $2::text then $3::timestamptz else $1::timestamptz end
)
update deployment
set synthetic = true
