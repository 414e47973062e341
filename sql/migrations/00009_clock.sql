-- +goose Up

-- Working time: which days are worked, and from when to when.
create table calendar_day (
    day     date primary key,
    working boolean not null,
    name    text not null default '',
    name_en text not null default ''
);
comment on table calendar_day is 'Calendar (工作日历): days that differ from Monday to Friday: holidays 节假日 and make-up working days 调休';

create table working_span (
    starts time primary key,
    ends   time not null check (ends > starts)
);
comment on table working_span is 'Working hours (工作时间) of a working day, in the deployment''s zone';
insert into working_span (starts, ends) values ('08:30', '12:00'), ('14:00', '17:30');

alter table item
    add column round_clock boolean not null default false,
    add column level_hours int[] check (cardinality(level_hours) = 4 and 0 < all (level_hours)),
    add column photos      smallint not null default 0 check (photos between 0 and 12);
comment on column item.round_clock is 'The deadline counts all hours, not working hours only';
comment on column item.level_hours is 'Deadline in hours by the event''s level 1 to 4; null: deadline_hours for all';
comment on column item.photos is 'How many photos the feedback needs at least';

create table clock_rule (
    level           smallint primary key check (level between 1 and 4),
    dispatch_minutes int not null check (dispatch_minutes > 0),
    warn_percent    smallint not null check (warn_percent between 1 and 99),
    raise_percent   smallint not null check (raise_percent > 100)
);
comment on table clock_rule is 'Clocks (时限规则) by the event''s level';
comment on column clock_rule.dispatch_minutes is 'Working minutes from the report in which it must be dispatched, else the level above commands';
comment on column clock_rule.warn_percent is 'Share of the deadline after which the handler is warned (预警)';
comment on column clock_rule.raise_percent is 'Share of the deadline after which the level above commands (超时提级)';
insert into clock_rule (level, dispatch_minutes, warn_percent, raise_percent) values
    (1, 10, 60, 125), (2, 30, 75, 150), (3, 120, 80, 150), (4, 240, 80, 200);

create table clock_job (
    id        bigint generated always as identity primary key,
    event_id  bigint not null references event (id),
    kind      text not null check (kind in ('late', 'warn', 'overdue', 'raise')),
    round     int not null,
    run_at    timestamptz not null,
    paused_at timestamptz,
    fired_at  timestamptz,
    unique (event_id, kind, round)
);
create index clock_job_due on clock_job (run_at) where fired_at is null and paused_at is null;
comment on table clock_job is 'Jobs of the clocks (时限任务): each is fired once, in the transaction of the step that it takes';
comment on column clock_job.kind is 'late: not dispatched in time; warn 预警; overdue 超时; raise 超时提级';
comment on column clock_job.round is 'State version of the event when it was set';
comment on column clock_job.paused_at is 'Since when its clock stands still';
