select i.id, i.account_id, i.subject is null
from oidc_identity i
join account a on a.id = i.account_id
where i.issuer = $1
and (i.subject = $2 or i.subject is null and i.name = $3)
and a.disabled_at is null
and (not a.demo or $4::boolean)
order by i.subject nulls last
limit 1
