-- +goose Up

-- What is personal is sealed by the program before it comes here: the database never holds a key. Each value is bound to
-- its column and row. See docs/decisions/0015.
alter table person rename column name to plain_name;
alter table person rename column id_number to plain_id_number;
alter table person rename column phone to plain_phone;
alter table person
    add column name bytea,
    add column id_number bytea,
    add column phone bytea,
    add column home bytea,
    add column id_number_index bigint,
    add column phone_index bigint,
    add column seal bigint;
create index person_id_number on person (id_number_index) where id_number_index is not null;
create index person_phone on person (phone_index) where phone_index is not null;
comment on column person.plain_name is 'Of before there were keys; emptied when the row is sealed';
comment on column person.plain_id_number is 'Of before there were keys; emptied when the row is sealed';
comment on column person.plain_phone is 'Of before there were keys; emptied when the row is sealed';
comment on column person.name is 'Name (姓名), sealed';
comment on column person.id_number is 'Identity number (身份证号), sealed';
comment on column person.phone is 'Phone (电话), sealed';
comment on column person.home is 'Home as delivered (住址), sealed; the standard address beside it is address_id';
comment on column person.id_number_index is 'Blind index: equal for equal numbers, tells nothing without its key';
comment on column person.phone_index is 'Blind index of the phone';
comment on column person.seal is 'Id of the key by which the row is sealed; null: not sealed yet';
comment on column person.key is 'Key within the source, as a keyed digest: sources use identity numbers';
comment on column person.hash is 'Keyed digest of the imported content; equal digest: unchanged';

alter table address rename column text to plain_text;
alter table address
    alter column plain_text drop not null,
    add column text bytea,
    add column seal bigint;
comment on column address.text is 'Text of the address, sealed: people live there';
comment on column address.plain_text is 'Of before there were keys; emptied when the row is sealed';
comment on column address.seal is 'Id of the key by which the row is sealed; null: not sealed yet';

alter table event
    add column reporter bytea,
    add column seal bigint;
create index event_reporter on event (closed_at) where reporter is not null;
comment on column event.reporter is 'How to reach who reported it (报告人联系方式), sealed; forgotten some time after it is closed';
comment on column event.seal is 'Id of the key by which the row is sealed; null: nothing is';

create table key_check (
    one    boolean primary key default true check (one),
    sealed bytea not null,
    digest bytea not null,
    at     timestamptz not null default now()
);
comment on table key_check is 'A known value, sealed: tells whether a key file is this database''s';

create table sealing (
    "table"  text primary key check ("table" in ('person', 'address', 'event')),
    key      bigint not null,
    after_id bigint not null default 0,
    done     boolean not null default false,
    at       timestamptz not null default now()
);
comment on table sealing is 'How far sealing anew by a key has come, table by table';

create table purpose (
    code    text primary key check (code ~ '^[a-z0-9_]{1,40}$'),
    name    text not null check (name <> ''),
    name_en text not null check (name_en <> ''),
    sort    int not null default 0
);
comment on table purpose is 'Purposes (用途) for which a personal value may be shown';
insert into purpose (code, name, name_en, sort) values
    ('visit', '上门走访', 'Visit', 1),
    ('care', '关爱服务', 'Care', 2),
    ('contact', '联系本人核实', 'Reach the person to check something', 3),
    ('rescue', '紧急救助', 'Rescue', 4),
    ('epidemic', '公共卫生应急', 'Public health emergency', 5),
    ('correction', '更正数据', 'Correct the data', 6),
    ('request', '本人申请查询', 'At the person''s own request', 7);

create table unmask (
    id         bigint generated always as identity primary key,
    actor      text not null check (actor <> ''),
    kind       text not null check (kind in ('person', 'event')),
    feature_id bigint not null,
    purpose    text not null references purpose (code),
    reason     text not null check (reason <> '' and length(reason) <= 500),
    beyond     boolean not null default false,
    granted_at timestamptz not null,
    expires_at timestamptz not null,
    check (expires_at > granted_at)
);
create index unmask_holder on unmask (actor, kind, feature_id, expires_at);
create index unmask_expires on unmask (expires_at);
comment on table unmask is 'Unmaskings (明文查看): one record, one account, a few minutes; the audit holds them for good';
comment on column unmask.beyond is 'Break-glass (紧急破窗): the record lies beyond the account''s places';

-- Retention: the first of each pair counts what is over, the second forgets it.
-- +goose StatementBegin
create function unmask_over(at timestamptz, keep interval) returns bigint
language sql stable
begin atomic
    select count(*) from unmask u where u.expires_at < at - keep;
end;
-- +goose StatementEnd
-- +goose StatementBegin
create function unmask_forget(at timestamptz, keep interval) returns bigint
language sql
begin atomic
    with gone as (
        delete from unmask u where u.expires_at < at - keep returning 1
    )
    select count(*) from gone;
end;
-- +goose StatementEnd
-- +goose StatementBegin
create function reporter_over(at timestamptz, keep interval) returns bigint
language sql stable
begin atomic
    select count(*) from event e where e.reporter is not null and e.closed_at < at - keep;
end;
-- +goose StatementEnd
-- +goose StatementBegin
create function reporter_forget(at timestamptz, keep interval) returns bigint
language sql
begin atomic
    with gone as (
        update event e set reporter = null, seal = null where e.reporter is not null and e.closed_at < at - keep returning 1
    )
    select count(*) from gone;
end;
-- +goose StatementEnd
