select seq, hash
from audit
where at < date_trunc('month', $1::timestamptz - $2::interval, 'UTC')
order by seq desc
limit 1
