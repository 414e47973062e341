-- +goose Up

-- Instructions from the centre to workers, each to be acknowledged. They are no part of an event's life, even when they
-- are about one.
create table instruction (
    id       bigint generated always as identity primary key,
    text     text not null check (text <> '' and length(text) <= 500),
    actor    text not null check (actor <> ''),
    at       timestamptz not null,
    place_id int references place (id),
    event_id bigint references event (id)
);
create index instruction_at on instruction (at);
create index instruction_event on instruction (event_id) where event_id is not null;
comment on table instruction is 'Instructions (指令) of an officer to workers';
comment on column instruction.place_id is 'Whose desks see it: the place that was named, the event''s, or the smallest that holds all units told; null: the city as a whole';
comment on column instruction.event_id is 'Event that it is about; null: none';

create table instruction_to (
    instruction_id bigint not null references instruction (id) on delete cascade,
    worker_id      int not null references worker (id),
    read_at        timestamptz,
    told_at        timestamptz,
    primary key (instruction_id, worker_id),
    check ((read_at is null) = (told_at is null))
);
create index instruction_unread on instruction_to (worker_id) where read_at is null;
comment on table instruction_to is 'To whom an instruction goes (接收人), and whether it was acknowledged (回执)';
comment on column instruction_to.read_at is 'When the worker acknowledged it, by the phone''s clock; null: not yet';
comment on column instruction_to.told_at is 'When the server was told';

-- An instruction is seen by who gave it, by the desks over its place and by those who got it; only these acknowledge it.
-- +goose StatementBegin
create function instruction_mine(instruction bigint) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select from instruction_to t join worker w on w.id = t.worker_id
        where t.instruction_id = instruction and w.actor = current_setting('onepicture.actor', true)
    )
$$;
-- +goose StatementEnd
comment on function instruction_mine(bigint) is 'Whether it went to the transaction''s actor';
-- +goose StatementBegin
do $$
declare
    seen constant text := 'actor = current_setting(''onepicture.actor'', true) or (select scope_all(''event''))
        or case when coalesce(place_id, 0) < (select 8 * octet_length(scope_bits(''event'')))
        then get_bit((select scope_bits(''event'')), coalesce(place_id, 0)) = 1 else false end';
begin
    alter table instruction enable row level security;
    alter table instruction force row level security;
    alter table instruction_to enable row level security;
    alter table instruction_to force row level security;
    execute format('create policy owner on instruction to %I using (true) with check (true)', current_user);
    execute format('create policy owner on instruction_to to %I using (true) with check (true)', current_user);
    execute format('create policy scope on instruction for select to onepicture_request using (%s or instruction_mine(id))', seen);
    create policy given on instruction for insert to onepicture_request with check (actor = current_setting('onepicture.actor', true));
    create policy scope on instruction_to for select to onepicture_request
        using (exists (select from instruction i where i.id = instruction_id));
    create policy given on instruction_to for insert to onepicture_request
        with check (exists (select from instruction i where i.id = instruction_id and i.actor = current_setting('onepicture.actor', true)));
    create policy mine on instruction_to for update to onepicture_request
        using (exists (select from worker w where w.id = worker_id and w.actor = current_setting('onepicture.actor', true)));
end
$$;
-- +goose StatementEnd
revoke update, delete on instruction from onepicture_request;
revoke delete on instruction_to from onepicture_request;

-- +goose StatementBegin
do $$
declare
    known text = (select pg_get_expr(conbin, conrelid) from pg_constraint where conname = 'change_kind_check' and conrelid = 'change'::regclass);
begin
    alter table change drop constraint change_kind_check;
    execute 'alter table change add constraint change_kind_check check (kind = ''instruction'' or ' || known || ')';
end
$$;
-- +goose StatementEnd

alter table retention drop constraint retention_kind_check;
alter table retention add constraint retention_kind_check check (kind in ('reporter', 'unmask', 'session', 'audit', 'instruction'));
insert into retention (kind, keep, name, name_en) values ('instruction', '180 days', '指令与回执', 'Instructions and their acknowledgements');
-- +goose StatementBegin
create function instruction_over(moment timestamptz, keep interval) returns bigint
language sql stable
begin atomic
    select count(*) from instruction i where i.at < moment - keep;
end;
-- +goose StatementEnd
-- +goose StatementBegin
create function instruction_forget(moment timestamptz, keep interval) returns bigint
language sql
begin atomic
    with gone as (
        delete from instruction i where i.at < moment - keep returning 1
    )
    select count(*) from gone;
end;
-- +goose StatementEnd
