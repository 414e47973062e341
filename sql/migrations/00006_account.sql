-- +goose Up

-- Who signs in, what is granted to them, and what they carry: sessions, keys, links, identities. A secret that opens
-- something is stored as its SHA-256 only; passwords are stretched (argon2id). See docs/decisions/0013 and 0014.

create domain role_code as text
    check (value in ('wall', 'grid_worker', 'clerk', 'town_duty', 'department_officer', 'city_duty', 'analyst',
        'data_steward', 'auditor', 'administrator'));
comment on domain role_code is 'Roles (角色); docs/roles.md tells what each may see and do';

-- Who did something: the code of an account (a17) or of a key (k5), or a program on the server''s own machine.
create domain actor_code as text
    check (value ~ '^(a[1-9][0-9]*|k[1-9][0-9]*|console|start|demo|policy)$');
comment on domain actor_code is 'An opaque code, never a name';

create table account (
    id          bigint generated always as identity primary key,
    name        text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{1,59}$'),
    display     text not null check (display <> '' and length(display) <= 100),
    display_en  text not null default '' check (length(display_en) <= 100),
    password    text check (password like '$argon2id$%'),
    password_at timestamptz,
    demo        boolean not null default false,
    created_by  actor_code not null,
    created_at  timestamptz not null,
    disabled_by actor_code,
    disabled_at timestamptz,
    signed_in_at timestamptz,
    failed      int not null default 0 check (failed >= 0),
    failed_at   timestamptz,
    check ((disabled_by is null) = (disabled_at is null)),
    check ((password is null) = (password_at is null))
);
comment on table account is 'Accounts (账号): persons and walls that sign in. Never deleted, because the ledger and the audit name them; disabled instead';
comment on column account.id is 'Known outside as a<id>';
comment on column account.name is 'Sign-in name (登录名), in small letters';
comment on column account.display is 'Name to show (姓名)';
comment on column account.password is 'argon2id in PHC form with its parameters; null: signs in by other means only';
comment on column account.demo is 'Made by demo mode, with a password that everybody is told';
comment on column account.failed is 'Failed sign-ins since the last good one; told to its holder, locks nobody out';

create table role_grant (
    id            bigint generated always as identity primary key,
    account_id    bigint not null references account (id),
    role          role_code not null,
    place_id      int references place (id),
    department_id smallint references department (id),
    valid_from    timestamptz not null,
    valid_until   timestamptz,
    reason        text not null check (reason <> '' and length(reason) <= 500),
    granted_by    actor_code not null,
    granted_at    timestamptz not null,
    revoked_by    actor_code,
    revoked_at    timestamptz,
    revoke_reason text check (revoke_reason <> '' and length(revoke_reason) <= 500),
    check (valid_until > valid_from),
    check ((revoked_by is null) = (revoked_at is null)),
    constraint role_grant_by_another check (granted_by <> 'a' || account_id)
);
create index role_grant_account on role_grant (account_id) where revoked_at is null;
comment on table role_grant is 'Grants (授权): a role on a place, for a time, by somebody, for a reason';
comment on column role_grant.place_id is 'Place with all below it; null: everything that this server holds';
comment on column role_grant.valid_until is 'null: until it is revoked';

create table session (
    id         bigint generated always as identity primary key,
    hash       bytea not null unique check (octet_length(hash) = 32),
    account_id bigint not null references account (id),
    method     text not null check (method in ('password', 'link', 'oidc')),
    network    text not null check (length(network) <= 60),
    agent      text not null default '' check (length(agent) <= 100),
    created_at timestamptz not null,
    seen_at    timestamptz not null,
    idle       interval not null check (idle > interval '0'),
    expires_at timestamptz not null,
    ended_at   timestamptz,
    ended_why  text check (ended_why in ('sign_out', 'replaced', 'password', 'link', 'administrator', 'disabled')),
    check ((ended_at is null) = (ended_why is null)),
    check (expires_at > created_at)
) with (fillfactor = 80);
create index session_account on session (account_id) where ended_at is null;
create index session_created on session (created_at);
comment on table session is 'Sessions (会话): what a browser''s cookie opens';
comment on column session.hash is 'SHA-256 of the token; the token itself is nowhere but in the browser';
comment on column session.network is 'Network of the client (/24 or /56), so that its holder can recognise it; never the whole address';
comment on column session.agent is 'Kind of browser and system, in two words';
comment on column session.seen_at is 'Last request, written every half minute';
comment on column session.idle is 'Ends when nothing was asked for so long';

create table service_key (
    id            bigint generated always as identity primary key,
    prefix        text not null unique check (prefix ~ '^[A-Z2-7]{8}$'),
    hash          bytea not null unique check (octet_length(hash) = 32),
    title         text not null check (title <> '' and length(title) <= 100),
    role          role_code not null check (role not in ('grid_worker', 'clerk', 'auditor', 'administrator')),
    place_id      int references place (id),
    department_id smallint references department (id),
    created_by    actor_code not null,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    rotated_from  bigint references service_key (id),
    used_at       timestamptz,
    revoked_by    actor_code,
    revoked_at    timestamptz,
    check (expires_at > created_at and expires_at <= created_at + interval '400 days'),
    check ((revoked_by is null) = (revoked_at is null))
);
comment on table service_key is 'Service keys (服务密钥) of other systems: one role on one place, always with an end';
comment on column service_key.prefix is 'The part that may be shown, by which people tell keys apart';
comment on column service_key.rotated_from is 'The key that this one follows; both hold for a while';

create table sign_in_link (
    hash       bytea primary key check (octet_length(hash) = 32),
    account_id bigint not null references account (id),
    created_by actor_code not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    check (expires_at > created_at)
);
create index sign_in_link_account on sign_in_link (account_id);
comment on table sign_in_link is 'One-time links (一次性登录链接) by which a holder sets a first or a new password';

create table oidc_identity (
    id         bigint generated always as identity primary key,
    issuer     text not null check (length(issuer) between 1 and 500),
    subject    text not null check (length(subject) between 1 and 255),
    account_id bigint not null references account (id),
    linked_by  actor_code not null,
    linked_at  timestamptz not null,
    unique (issuer, subject)
);
create index oidc_identity_account on oidc_identity (account_id);
comment on table oidc_identity is 'Identities (统一身份) at a sign-in provider, each linked to one account; they carry no rights of their own';

-- Retention: what is over for longer than the interval. The first counts, the second forgets.
-- +goose StatementBegin
create function sessions_over(at timestamptz, keep interval) returns bigint
language sql stable
begin atomic
    select
        (select count(*) from session s where least(s.ended_at, s.expires_at, s.seen_at + s.idle) < at - keep)
        + (select count(*) from sign_in_link l where least(l.used_at, l.expires_at) < at - keep);
end;
-- +goose StatementEnd
-- +goose StatementBegin
create function sessions_forget(at timestamptz, keep interval) returns bigint
language sql
begin atomic
    with sessions as (
        delete from session s
        where least(s.ended_at, s.expires_at, s.seen_at + s.idle) < at - keep
        returning 1
    ),
    links as (
        delete from sign_in_link l
        where least(l.used_at, l.expires_at) < at - keep
        returning 1
    )
    select (select count(*) from sessions) + (select count(*) from links);
end;
-- +goose StatementEnd
comment on function sessions_over(timestamptz, interval) is 'How many sessions and links are over for longer than the interval';
comment on function sessions_forget(timestamptz, interval) is 'Deletes them';
