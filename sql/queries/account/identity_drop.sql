delete from oidc_identity
where issuer = $1
and account_id = $2
