-- +goose Up

-- What accounts are made of is none of a request's business: the server reads it over connections of its own.
revoke all on account, role_grant, session, service_key, sign_in_link, oidc_identity from onepicture_request;
