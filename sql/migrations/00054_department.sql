-- +goose Up

-- The department that answers for an event now: first that which owns its item, then whoever it was dispatched to. The
-- events that are there take their item's owner as the table is written anew, which needs half the time of an update of the
-- rows (6 s against 12 s for 300,000) and leaves no dead ones. See docs/decisions/0041.
alter table event add column department_id smallint;
-- +goose StatementBegin
do $$
declare
    owners smallint[] = (
        select array_agg(i.department_id order by n)
        from generate_series(1, (select max(id) from item)) n
        left join item i on i.id = n
    );
begin
    if exists (select from event) then
        execute format('alter table event alter column department_id type smallint using (%L::smallint[])[item_id]', owners);
    end if;
end
$$;
-- +goose StatementEnd
alter table event add foreign key (department_id) references department (id);
comment on column event.department_id is 'Department that answers for it now (责任部门); null: none';

-- The ledger tells whose an event was and whose it is.
alter table change add column old_department smallint, add column new_department smallint;
comment on column change.old_department is 'Department that answered for the event before; null: none';
comment on column change.new_department is 'Department that answers for the event after; null: none';

-- Officers of departments see what is their department's own; the sample account's is known.
update role_grant g
set department_id = d.id
from account a, department d
where a.id = g.account_id and a.demo and g.role = 'department_officer' and g.department_id is null and d.code = 'urban_management';

-- The second lock (00007): a request sees an event by its place, or by its department where that department's own are
-- seen. Those are in the settings onepicture.owned_all, departments that are seen everywhere, and onepicture.owned_in,
-- departments each of which has as many bits by place.id in onepicture.owned_bits, one after the other.
create function owned_all() returns smallint[]
language sql stable parallel safe
return coalesce(nullif(current_setting('onepicture.owned_all', true), ''), '{}')::smallint[];
comment on function owned_all() is 'The departments whose events the transaction may see everywhere';

create function owned_in() returns smallint[]
language sql stable parallel safe
return coalesce(nullif(current_setting('onepicture.owned_in', true), ''), '{}')::smallint[];
comment on function owned_in() is 'The departments whose events the transaction may see in some places';

create function owned_bits() returns bytea
language sql stable parallel safe
return decode(coalesce(current_setting('onepicture.owned_bits', true), ''), 'base64');
comment on function owned_bits() is 'The places of owned_in, as bits, as many for each';

create function owned_places() returns int
language sql stable parallel safe
return coalesce(8 * octet_length(owned_bits()) / nullif(cardinality(owned_in()), 0), 0);
comment on function owned_places() is 'How many bits of owned_bits each department of owned_in has';

-- +goose StatementBegin
do $$
declare
    seen constant text := '((select scope_all(%1$L)) or case when coalesce(%2$s, 0) < (select 8 * octet_length(scope_bits(%1$L)))'
        ' then get_bit((select scope_bits(%1$L)), coalesce(%2$s, 0)) = 1 else false end)';
    owned constant text := '(%2$s = any ((select owned_all())::smallint[])'
        ' or case when %2$s = any ((select owned_in())::smallint[]) and coalesce(%1$s, 0) < (select owned_places())'
        ' then get_bit((select owned_bits()), (array_position((select owned_in()), %2$s) - 1) * (select owned_places()) + coalesce(%1$s, 0)) = 1'
        ' else false end)';
begin
    execute format('alter policy scope on event using (%s or %s)', format(seen, 'event', 'place_id'), format(owned, 'place_id', 'department_id'));
    execute format('alter policy scope on change using (case kind
        when ''person'' then op <> ''batch'' and %s when ''site'' then op <> ''batch'' and %s
        when ''event'' then op <> ''batch'' and (%s or %s)
        when ''alert'' then exists (select from alert a where a.id = feature_id)
        else true end)',
        format(seen, 'person', 'coalesce(new_place, old_place)'), format(seen, 'site', 'coalesce(new_place, old_place)'),
        format(seen, 'event', 'coalesce(new_place, old_place)'),
        format(owned, 'coalesce(new_place, old_place)', 'case when op = ''delete'' then old_department else new_department end'));
    -- Instructions are the desks' over a place, be it of one department alone, when these see the event that it is about.
    execute format('alter policy scope on instruction using (actor = current_setting(''onepicture.actor'', true)
        or %s and (event_id is null or exists (select from event e where e.id = event_id)) or instruction_mine(id))',
        format(seen, 'attends', 'place_id'));
end
$$;
-- +goose StatementEnd
