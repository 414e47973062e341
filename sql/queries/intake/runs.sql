select
    r.id, r.kind, s.code, r.file, r.state, r.message, r.read, r.put, r.unchanged, r.rejected,
    r.outside, r.overlapping, r.repaired, r.started_at, r.ended_at
from import_run r
join source s on s.id = r.source_id
order by r.id desc
limit $1
