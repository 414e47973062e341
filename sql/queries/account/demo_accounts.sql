select a.name, a.display, a.display_en, g.role, coalesce(g.place_id, 0), coalesce(g.department_id, 0)
from account a
join role_grant g on g.account_id = a.id
where a.demo
and a.disabled_at is null
and g.revoked_at is null
order by a.id, g.id
