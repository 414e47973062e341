-- +goose Up

alter table change drop constraint change_kind_check;
alter table change add constraint change_kind_check
    check (kind in ('person', 'site', 'event', 'place', 'layer', 'catalogue', 'release', 'account'));

-- What is told of persons to those who may not see their records: one table of rounded numbers, from which every
-- such answer is summed. See docs/decisions/0018.
create table release (
    place_id   int primary key,
    exact      int not null check (exact >= 0),
    configured xid8 not null,
    total      int not null check (total >= 0),
    layers     int[] not null,
    classes    int[] not null,
    position   xid8 not null default pg_current_xact_id()
);
comment on table release is 'Released numbers of persons (人口发布数) by place, rounded at random; without the places below';
comment on column release.place_id is 'place.id; 0: in no place';
comment on column release.exact is 'How many persons there were; measures how much has changed since, never told';
comment on column release.configured is 'Position of the definitions by which layers and classes were counted';
comment on column release.layers is 'By layer.bit from 0 on';
comment on column release.classes is 'By class.id from 0 on';

create table release_secret (
    one    boolean primary key default true check (one),
    secret bytea not null
);
comment on table release_secret is 'By which numbers are rounded: always the same way, and not to be guessed';
insert into release_secret (secret)
values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
