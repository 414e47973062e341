select
    seq, at, actor, what, subject, subject_id, purpose, reason, filter, rows, position, took_us, request, alert,
    previous, hash
from audit
where ($1::timestamptz is null or at >= $1) and ($2::timestamptz is null or at < $2)
order by seq
