select 'in' way, code, name, '' url, '{}'::text[] types, '' place, enabled, 0::bigint waiting, 0::bigint dead
from webhook_in
union all
select 'out', o.code, '', o.url, o.types, o.place, o.enabled,
    (select count(*) from webhook_delivery d where d.out_id = o.id and d.done_at is null and d.dead_at is null),
    (select count(*) from webhook_delivery d where d.out_id = o.id and d.dead_at is not null)
from webhook_out o
order by 1, 2
