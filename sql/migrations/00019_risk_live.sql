-- +goose Up

-- The ledger takes one more kind, whatever kinds it takes by now.
-- +goose StatementBegin
do $$
declare
    known text := pg_get_constraintdef(oid) from pg_constraint where conname = 'change_kind_check';
begin
    alter table change drop constraint change_kind_check;
    execute 'alter table change add constraint change_kind_check ' || replace(known, 'CHECK (', 'check (kind = ''risk'' or ');
end
$$;
-- +goose StatementEnd

create table risk_model (
    id       int generated always as identity primary key,
    made_at  timestamptz not null default now(),
    day      int not null,
    places   bytea not null,
    fitted   jsonb not null
);
comment on table risk_model is 'Fitted models (模型版本), frozen: what the scores were computed by. Never changed, only added to';
comment on column risk_model.day is 'First day that it was not fitted on, days since 1970';
comment on column risk_model.places is 'Digest of the tree of places that it belongs to';

create table risk_input (
    id       int generated always as identity primary key,
    at       timestamptz not null default now(),
    position xid8 not null,
    model_id int not null references risk_model (id),
    day      int not null,
    silences jsonb not null default '[]'
);
create index risk_input_position on risk_input (position, id);
comment on table risk_input is 'From which position on scores are computed by which model, day and silent sources: with the ledger this gives the score of any moment again';

create table risk_picture (
    input_id int not null references risk_input (id),
    class    smallint not null check (class >= 0),
    horizon  smallint not null check (horizon > 0),
    terms    bytea not null,
    primary key (input_id, class, horizon)
);
comment on table risk_picture is 'Scores with their terms as first shown under an input (风险快照), by place; packed';

create table risk_objection (
    id       bigint generated always as identity primary key,
    place_id int not null references place (id),
    class    smallint not null check (class >= 0),
    horizon  smallint not null check (horizon > 0),
    score    bigint not null,
    version  text not null,
    reason   text not null check (length(reason) between 1 and 1000),
    actor    text not null check (actor <> ''),
    at       timestamptz not null default now(),
    position xid8 not null default pg_current_xact_id()
);
create index risk_objection_place on risk_objection (place_id, class);
comment on table risk_objection is 'Objections (异议) to a place''s score, with the reason; shown beside the score';
comment on column risk_objection.score is 'That was objected to, in millionths of an event';
