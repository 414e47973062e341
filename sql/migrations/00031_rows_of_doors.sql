-- +goose Up

-- A photo on its way is its sender's (00007, docs/decisions/0012). Requests have no business with webhooks, whose secrets
-- lie there: the server reads them over connections of its own.
-- +goose StatementBegin
do $$
declare
    name text;
begin
    foreach name in array array['photo_upload', 'webhook_in', 'webhook_out', 'webhook_delivery', 'webhook_cursor'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy owner on %I to %I using (true) with check (true)', name, current_user);
    end loop;
    create policy holder on photo_upload to onepicture_request using (actor = current_setting('onepicture.actor', true));
end
$$;
-- +goose StatementEnd
revoke all on webhook_in, webhook_out from onepicture_request;
