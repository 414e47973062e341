update oidc_identity
set subject = $2
where id = $1
and subject is null
and name = $3 -- or somebody else has been expected since
