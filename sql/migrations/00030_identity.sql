-- +goose Up

-- Who may come in by the sign-in provider is said beforehand, account by account: by the provider's subject, or by the
-- name that the provider knows them by, which the first sign-in binds to a subject.
alter table oidc_identity
    alter column subject drop not null,
    add column name text check (length(name) between 1 and 255),
    add unique (issuer, name),
    add unique (issuer, account_id),
    add check (subject is not null or name is not null);
comment on column oidc_identity.subject is 'null: not known before the first sign-in by name';
comment on column oidc_identity.name is 'Name at the provider, as the configured claim tells it';

create table oidc_used (
    digest  bytea primary key check (octet_length(digest) = 32),
    used_at timestamptz not null
);
create index oidc_used_at on oidc_used (used_at);
comment on table oidc_used is 'Ways to the provider (统一身份登录) that led in already: none leads in twice. Kept for an hour, longer than one may take';

revoke all on oidc_used from onepicture_request;
