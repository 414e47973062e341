-- +goose Up

-- Risk is estimated for places, never for persons: nothing below can hold a person's key. See docs/decisions/0021.
create table risk_backtest (
    id         int generated always as identity primary key,
    spec       jsonb not null,
    state      text not null default 'queued' check (state in ('queued', 'running', 'done', 'cancelled', 'failed')),
    message    text not null default '',
    now        text not null default '',
    done       int not null default 0 check (done >= 0),
    total      int not null default 0 check (total >= 0),
    actor      text not null check (actor <> ''),
    made_at    timestamptz not null default now(),
    started_at timestamptz,
    ended_at   timestamptz
);
comment on table risk_backtest is 'Back-tests (回测): forecasts of a frozen model held against what came';
comment on column risk_backtest.spec is 'Divisions, categories and days';
comment on column risk_backtest.now is 'What is being measured, while it runs';

create table risk_backtest_part (
    backtest_id int not null references risk_backtest (id) on delete cascade,
    division    text not null check (division <> ''),
    category    text not null check (category <> ''),
    result      jsonb not null,
    made_at     timestamptz not null default now(),
    primary key (backtest_id, division, category)
);
comment on table risk_backtest_part is 'One category on one division of the city: what was measured, and what ships. A test that was stopped goes on after the parts that are here';
