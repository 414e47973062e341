-- The rules, each with its last run that found something.
select
    r.kind, extract(epoch from r.keep)::int8, r.name, r.name_en, l.at, coalesce(l.over, 0), coalesce(l.gone, 0),
    coalesce(l.stayed, 0)
from retention r
left join lateral (
    select at, over, gone, stayed
    from retention_run
    where kind = r.kind
    order by id desc
    limit 1
) l on true
order by r.kind
