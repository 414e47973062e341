select issuer, coalesce(subject, ''), coalesce(name, '')
from oidc_identity
where account_id = $1
order by issuer
