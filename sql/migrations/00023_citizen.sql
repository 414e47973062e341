-- +goose Up

-- The door of citizens: what they may report, and by which secret they follow it. See docs/decisions/0025.
create table citizen_service (
    item       text primary key check (item ~ '^[A-Za-z0-9_.-]{1,60}$'),
    offered    boolean not null default true,
    attributes jsonb not null default '[]'
);
comment on table citizen_service is 'What citizens may report (对外服务): items of the catalogue; one without a row is offered and asks nothing more';
comment on column citizen_service.attributes is 'What is asked beside the description; layers/citizen/service.go';

create table citizen_case (
    event_id     bigint primary key references event (id),
    code         bytea not null check (octet_length(code) = 32),
    token        text not null unique check (token <> ''),
    attributes   jsonb not null default '{}',
    media_url    text not null default '' check (length(media_url) <= 1000),
    wrong        smallint not null default 0,
    wrong_at     timestamptz,
    rating       smallint check (rating between 1 and 5),
    rating_words text not null default '' check (length(rating_words) <= 500),
    rated_at     timestamptz,
    check ((rating is null) = (rated_at is null))
);
comment on table citizen_case is 'Reports of citizens (群众诉求): followed by number and secret code, without an account';
comment on column citizen_case.event_id is 'The event; its id is the number that the citizen is told';
comment on column citizen_case.code is 'Digest of the secret code, bound to the number';
comment on column citizen_case.token is 'By which a client asks for the number; opens nothing';
comment on column citizen_case.media_url is 'Address of a picture as it was told; never fetched';
comment on column citizen_case.wrong is 'Wrong codes within an hour of wrong_at';
comment on column citizen_case.rating is 'How it was handled (评价): 1 bad … 5 good';

-- Who may not see the event may not see the case (00007, docs/decisions/0012).
-- +goose StatementBegin
do $$
begin
    alter table citizen_case enable row level security;
    alter table citizen_case force row level security;
    execute format('create policy owner on citizen_case to %I using (true) with check (true)', current_user);
    create policy scope on citizen_case to onepicture_request using (exists (select from event e where e.id = event_id));
end
$$;
-- +goose StatementEnd
