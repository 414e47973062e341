-- +goose Up

-- The second lock: whatever a request's query asks, PostgreSQL shows only rows that its scope may see. Requests come as a
-- role that owns nothing, and say in their transaction what they may see (layers/scoped). See docs/decisions/0012.

-- +goose StatementBegin
do $$
begin
    if not exists (select from pg_roles where rolname = 'onepicture_request') then
        create role onepicture_request nologin;
    end if;
    execute format('grant onepicture_request to %I', current_user);
exception
    when duplicate_object or unique_violation then -- another database of this cluster came first
        execute format('grant onepicture_request to %I', current_user);
    when insufficient_privilege then
        raise exception 'the role onepicture_request is missing and may not be made by %', current_user
            using hint = format('let a superuser run: create role onepicture_request nologin; grant onepicture_request to %I', current_user);
end
$$;
-- +goose StatementEnd

-- Under row-level security a condition is looked at before the policy, and so by an index, only when it cannot tell what
-- it saw. The operator && compares boxes: it raises no error that quotes a value and has no side effect. (Exact tests such
-- as st_intersects stay as they are; they come after the policy, beside &&.)
-- +goose StatementBegin
do $$
begin
    alter function geometry_overlaps(geometry, geometry) leakproof;
exception
    when insufficient_privilege then
        raise warning 'boxes are searched without an index under row-level security'
            using hint = 'let a superuser run: alter function geometry_overlaps(geometry, geometry) leakproof';
end
$$;
-- +goose StatementEnd

-- What a transaction may see of a kind is in the setting onepicture.<kind>: "all", or in base64 a set of bits by place.id,
-- the lowest bit of the first byte being place 0, "in no place". Nothing set is nothing seen.
create function scope_all(kind text) returns boolean
language sql stable parallel safe
return coalesce(current_setting('onepicture.' || kind, true) = 'all', false);
comment on function scope_all(text) is 'Whether the transaction may see all records of a kind';

create function scope_bits(kind text) returns bytea
language sql stable parallel safe
return decode(coalesce(nullif(current_setting('onepicture.' || kind, true), 'all'), ''), 'base64');
comment on function scope_bits(text) is 'The places whose records of a kind the transaction may see, as bits';

-- The sub-selects are evaluated once a statement; a row costs one get_bit.
-- +goose StatementBegin
do $$
declare
    t record;
    seen constant text := '(select scope_all(%1$L)) or case when coalesce(%2$s, 0) < (select 8 * octet_length(scope_bits(%1$L)))'
        ' then get_bit((select scope_bits(%1$L)), coalesce(%2$s, 0)) = 1 else false end';
begin
    for t in
        select * from (values ('person', 'person'), ('address', 'person'), ('site', 'site'), ('event', 'event')) v ("table", kind)
    loop
        execute format('alter table %I enable row level security', t."table");
        execute format('alter table %I force row level security', t."table");
        execute format('create policy owner on %I to %I using (true) with check (true)', t."table", current_user);
        execute format('create policy scope on %I to onepicture_request using (%s)', t."table", format(seen, t.kind, 'place_id'));
    end loop;
    -- The ledger tells of features: a request sees what touches places whose records it sees, and adds what it wrote.
    execute 'alter table change enable row level security';
    execute 'alter table change force row level security';
    execute format('create policy owner on change to %I using (true) with check (true)', current_user);
    execute 'create policy written on change for insert to onepicture_request with check (true)';
    execute format('create policy scope on change for select to onepicture_request using (case kind
        when ''person'' then op <> ''batch'' and (%s) when ''site'' then op <> ''batch'' and (%s)
        when ''event'' then op <> ''batch'' and (%s)
        else true end)',
        format(seen, 'person', 'coalesce(new_place, old_place)'), format(seen, 'site', 'coalesce(new_place, old_place)'),
        format(seen, 'event', 'coalesce(new_place, old_place)'));
    -- Unmaskings are their holder's.
    execute 'alter table unmask enable row level security';
    execute 'alter table unmask force row level security';
    execute format('create policy owner on unmask to %I using (true) with check (true)', current_user);
    execute 'create policy holder on unmask to onepicture_request using (actor = current_setting(''onepicture.actor'', true))';
end
$$;
-- +goose StatementEnd

grant usage on schema public to onepicture_request;
grant select, insert, update, delete on all tables in schema public to onepicture_request;
alter default privileges in schema public grant select, insert, update, delete on tables to onepicture_request;
-- What requests never do.
revoke insert, update, delete on person, address, site, place, base_feature, retention, retention_run, import_run, rejected_row,
    spatial_ref_sys from onepicture_request;
revoke update, delete on audit, change from onepicture_request;
revoke insert, delete on audit_head from onepicture_request;
revoke all on release, release_secret, key_check, sealing, goose_db_version from onepicture_request;
revoke execute on function audit_forget(timestamptz, interval) from public;

-- Months of the audit are reached through the whole alone.
-- +goose StatementBegin
create or replace function audit_partition(moment timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    low  timestamptz := date_trunc('month', moment, 'UTC');
    high timestamptz := ((low at time zone 'UTC') + interval '1 month') at time zone 'UTC';
    name text := 'audit_' || to_char(low at time zone 'UTC', 'YYYYMM');
begin
    perform pg_advisory_xact_lock(hashtext('audit_partition'));
    if to_regclass(name) is not null then
        return;
    end if;
    execute format('create table %I (like audit including all)', name);
    execute format('revoke all on %I from onepicture_request', name);
    execute format('create trigger audit_refuse before update or delete or truncate on %I for each statement execute function audit_refuse()', name);
    execute format('alter table audit attach partition %I for values from (%L) to (%L)', name, low, high);
end
$$;
-- +goose StatementEnd
-- +goose StatementBegin
do $$
declare
    part record;
begin
    for part in select inhrelid::regclass as name from pg_inherits where inhparent = 'audit'::regclass loop
        execute format('revoke all on %s from onepicture_request', part.name);
    end loop;
end
$$;
-- +goose StatementEnd
