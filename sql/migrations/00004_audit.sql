-- +goose Up

-- Who saw, searched, exported, unmasked, changed and granted what, and for which purpose. Rows are only ever added, each
-- holds the hash of the one before it, and months that are over for longer than the rule says go as whole partitions.
-- See docs/decisions/0016.
create table audit (
    seq        bigint not null check (seq > 0),
    at         timestamptz not null,
    actor      text not null check (actor <> '' and length(actor) <= 60),
    what       text not null check (what in ('read', 'search', 'export', 'unmask', 'change', 'grant', 'sign_in', 'refused', 'retention')),
    subject    text not null default '' check (length(subject) <= 200),
    subject_id bigint not null default 0,
    purpose    text not null default '' check (length(purpose) <= 60),
    reason     text not null default '' check (length(reason) <= 500),
    filter     text not null default '' check (length(filter) <= 2000),
    rows       bigint not null default 0 check (rows >= 0),
    position   bigint not null default 0 check (position >= 0),
    took_us    bigint not null default 0 check (took_us >= 0),
    request    text not null default '' check (length(request) <= 100),
    alert      boolean not null default false,
    previous   bytea not null check (octet_length(previous) = 32),
    hash       bytea not null check (octet_length(hash) = 32),
    primary key (seq, at)
) partition by range (at);
create index audit_actor on audit (actor, seq);
create index audit_subject on audit (subject, subject_id, seq) where subject_id <> 0;
create index audit_alert on audit (seq) where alert;
comment on table audit is 'Audit (审计): who did what to which purpose; only added to, a chain of hashes, a partition a month';
comment on column audit.seq is 'Number in the chain, without gaps';
comment on column audit.at is 'When it was recorded, by the database''s clock; never earlier than the row before';
comment on column audit.actor is 'Code of an account or a program, never a name';
comment on column audit.subject is 'What it was about: person, event, a route, a table';
comment on column audit.filter is 'What was asked, in words that hold no personal value';
comment on column audit.position is 'Position of the picture that was shown; 0: none';
comment on column audit.alert is 'To be looked at by the auditor: break-glass';
comment on column audit.previous is 'hash of the row before; zeros before the first';
comment on column audit.hash is 'SHA-256 of previous and all columns; layers/audit/chain.go';

create table audit_head (
    one  boolean primary key default true check (one),
    seq  bigint not null,
    at   timestamptz not null,
    hash bytea not null
);
comment on table audit_head is 'The last row of the audit; its lock orders the writers';
insert into audit_head (seq, at, hash) values (0, 'epoch', decode(repeat('00', 32), 'hex'));

-- +goose StatementBegin
create function audit_refuse() returns trigger
language plpgsql as $$
begin
    raise exception 'the audit is only added to' using errcode = 'insufficient_privilege';
end
$$;
-- +goose StatementEnd
create trigger audit_refuse before update or delete or truncate on audit for each statement execute function audit_refuse();

-- +goose StatementBegin
create function audit_partition(moment timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    low  timestamptz := date_trunc('month', moment, 'UTC');
    high timestamptz := ((low at time zone 'UTC') + interval '1 month') at time zone 'UTC';
    name text := 'audit_' || to_char(low at time zone 'UTC', 'YYYYMM');
begin
    perform pg_advisory_xact_lock(hashtext('audit_partition'));
    if to_regclass(name) is not null then
        return;
    end if;
    execute format('create table %I (like audit including all)', name);
    execute format('create trigger audit_refuse before update or delete or truncate on %I for each statement execute function audit_refuse()', name);
    execute format('alter table audit attach partition %I for values from (%L) to (%L)', name, low, high);
end
$$;
-- +goose StatementEnd
comment on function audit_partition(timestamptz) is 'Makes the month''s partition when it is not there';
select audit_partition(now());

-- What is forgotten when. The rows are data: an administrator changes "keep"; code knows how each is counted and forgotten.
create table retention (
    kind    text primary key check (kind in ('reporter', 'unmask', 'session', 'audit')),
    keep    interval not null check (keep >= interval '1 day'),
    name    text not null,
    name_en text not null
);
comment on table retention is 'Retention (留存期限): how long each kind is kept after it is over';
insert into retention (kind, keep, name, name_en) values
    ('reporter', '180 days', '已办结事件的报告人', 'Reporter of a closed event'),
    ('unmask', '30 days', '已到期的明文查看授权', 'Unmaskings that are over'),
    ('session', '30 days', '已结束的会话与登录链接', 'Sessions and sign-in links that are over'),
    ('audit', '6 years', '审计记录', 'Audit, by whole months');

create table retention_run (
    id     bigint generated always as identity primary key,
    at     timestamptz not null default now(),
    kind   text not null references retention (kind),
    over   bigint not null,
    gone   bigint not null,
    stayed bigint not null
);
create index retention_run_kind on retention_run (kind, id);
comment on table retention_run is 'Runs of the rules: how many were over before, how many went, how many were over afterwards';

-- Months of the audit that are over as a whole. Dropping them leaves a word in the chain (layers/audit/retention.go), by
-- which the rest is still proven.
-- +goose StatementBegin
create function audit_over(moment timestamptz, keep interval) returns bigint
language sql stable as $$
    select count(*) from audit where at < date_trunc('month', moment - keep, 'UTC')
$$;
-- +goose StatementEnd
-- +goose StatementBegin
create function audit_forget(moment timestamptz, keep interval) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    part record;
    n    bigint;
    gone bigint := 0;
begin
    if keep < interval '1 year' then
        raise exception 'the audit is kept for a year at least' using errcode = 'check_violation';
    end if;
    for part in
        select c.oid::regclass as name
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'audit'::regclass
            and c.relname < 'audit_' || to_char(date_trunc('month', moment - keep, 'UTC') at time zone 'UTC', 'YYYYMM')
        order by c.relname
    loop
        execute format('select count(*) from %s', part.name) into n;
        execute format('drop table %s', part.name);
        gone := gone + n;
    end loop;
    return gone;
end
$$;
-- +goose StatementEnd
