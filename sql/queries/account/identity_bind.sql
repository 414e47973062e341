update oidc_identity
set subject = $2
where id = $1
and subject is null
