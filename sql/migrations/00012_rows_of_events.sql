-- +goose Up

-- What hangs on an event is seen by those who see the event (00007, docs/decisions/0012).
-- +goose StatementBegin
do $$
declare
    name text;
begin
    foreach name in array array['assignment', 'event_step'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy owner on %I to %I using (true) with check (true)', name, current_user);
        execute format('create policy scope on %I to onepicture_request
            using (exists (select from event e where e.id = event_id))', name);
    end loop;
end
$$;
-- +goose StatementEnd
revoke update, delete on event_step from onepicture_request;
