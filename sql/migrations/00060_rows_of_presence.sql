-- +goose Up

-- Where a worker was last has a table of its own, so that it has a lock of its own (00007, docs/decisions/0012, 0043): it is
-- seen by who looks after events at that place (of one department alone, too), and told and taken back by its worker alone. What else is known of
-- a worker is seen by all who see an assignment or a timeline.
create table presence (
    worker_id int primary key references worker (id) on delete cascade,
    place_id  int references place (id),
    geom      geometry(Point, 4326) not null,
    seen_at   timestamptz not null
);
create index presence_near on presence using gist (geom);
create index presence_place on presence (place_id);
comment on table presence is 'Presence (在岗位置): the last position told by a worker on duty who shares it for the shift; never a track';
comment on column presence.place_id is 'Smallest place that it lay in when it was told; null: none';
comment on column presence.seen_at is 'When it was told';

insert into presence (worker_id, place_id, geom, seen_at)
select
    w.id, (select p.id from place p where p.valid_to is null and p.geom && w.geom and st_covers(p.geom, w.geom) order by p.level desc limit 1),
    w.geom, w.seen_at
from worker w
where w.geom is not null;
alter table worker drop column geom, drop column seen_at;

-- +goose StatementBegin
do $$
declare
    own constant text := 'worker_id = (select w.id from worker w where w.actor = current_setting(''onepicture.actor'', true))';
    seen constant text := '(select scope_all(''attends'')) or case when coalesce(place_id, 0) < (select 8 * octet_length(scope_bits(''attends'')))'
        ' then get_bit((select scope_bits(''attends'')), coalesce(place_id, 0)) = 1 else false end';
begin
    alter table presence enable row level security;
    alter table presence force row level security;
    execute format('create policy owner on presence to %I using (true) with check (true)', current_user);
    execute format('create policy scope on presence for select to onepicture_request using (%s)', seen);
    execute format('create policy mine on presence to onepicture_request using (%s)', own);
    alter table worker enable row level security;
    alter table worker force row level security;
    execute format('create policy owner on worker to %I using (true) with check (true)', current_user);
    create policy known on worker for select to onepicture_request using (true);
    create policy mine on worker for update to onepicture_request using (actor = current_setting('onepicture.actor', true));
end
$$;
-- +goose StatementEnd
revoke insert, update, delete on worker, unit from onepicture_request;
grant update (on_duty) on worker to onepicture_request;

create or replace function position_over(moment timestamptz, keep interval) returns bigint
language sql stable as $$
    select count(*) from presence where seen_at < moment - keep
$$;
create or replace function position_forget(moment timestamptz, keep interval) returns bigint
language sql as $$
    with gone as (
        delete from presence where seen_at < moment - keep returning worker_id
    ), ended as (
        update worker w set on_duty = false from gone where w.id = gone.worker_id
    )
    select count(*) from gone
$$;
