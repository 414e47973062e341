-- +goose Up

-- Alerts that are not public are for those who handle events or look after feeds; the latter alone bring alerts in (00007,
-- docs/decisions/0012). The setting onepicture.alert says which: public, all, or put. Nothing set is nothing seen.
-- +goose StatementBegin
do $$
declare
    name text;
    known text;
    said constant text := '(select current_setting(''onepicture.alert'', true))';
begin
    foreach name in array array['alert', 'alert_area', 'alert_reference'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy owner on %I to %I using (true) with check (true)', name, current_user);
        execute format('create policy written on %I for insert to onepicture_request with check (%s = ''put'')', name, said);
    end loop;
    execute format('create policy scope on alert for select to onepicture_request
        using (%1$s in (''all'', ''put'') or %1$s = ''public'' and scope = ''Public'')', said);
    execute format('create policy ended on alert for update to onepicture_request using (%s = ''put'')', said);
    foreach name in array array['alert_area', 'alert_reference'] loop
        execute format('create policy scope on %I for select to onepicture_request
            using (exists (select from alert a where a.id = alert_id))', name);
    end loop;
    -- The ledger tells where an alert is.
    select pg_get_expr(polqual, polrelid) into known from pg_policy where polrelid = 'change'::regclass and polname = 'scope';
    execute format('alter policy scope on change using (case when kind = ''alert'' then exists (select from alert a where a.id = feature_id)
        else %s end)', known);
end
$$;
-- +goose StatementEnd
revoke delete on alert from onepicture_request;
revoke update, delete on alert_area, alert_reference from onepicture_request;

-- What citizens may report is changed by the server for those who look after catalogues, over connections of its own.
revoke insert, update, delete on citizen_service from onepicture_request;
