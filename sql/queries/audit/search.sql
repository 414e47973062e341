select
    seq, at, actor, what, subject, subject_id, purpose, reason, filter, rows, position, took_us, request, alert,
    previous, hash
from audit
where ($1::bigint = 0 or seq < $1)
    and ($2::text = '' or actor = $2)
    and ($3::text = '' or what = $3)
    and ($4::text = '' or subject = $4)
    and ($5::bigint = 0 or subject_id = $5)
    and ($6::text = '' or purpose = $6)
    and ($7::timestamptz is null or at >= $7)
    and ($8::timestamptz is null or at < $8)
    and (not $9::boolean or alert)
order by seq desc
limit $10
