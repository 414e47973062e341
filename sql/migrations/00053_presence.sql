-- +goose Up

-- Where a worker was last is kept while the shift is on and shared, and forgotten after days at the latest.
-- +goose StatementBegin
do $$
declare
    known text := (select pg_get_expr(conbin, conrelid) from pg_constraint where conname = 'retention_kind_check' and conrelid = 'retention'::regclass);
begin
    alter table retention drop constraint retention_kind_check;
    execute 'alter table retention add constraint retention_kind_check check (kind = ''position'' or ' || known || ')';
end
$$;
-- +goose StatementEnd
insert into retention (kind, keep, name, name_en) values ('position', '3 days', '未下班人员的最后位置', 'Last position of shifts that were not ended');

create function position_over(moment timestamptz, keep interval) returns bigint
language sql stable as $$
    select count(*) from worker where seen_at < moment - keep
$$;
create function position_forget(moment timestamptz, keep interval) returns bigint
language sql as $$
    with gone as (
        update worker
        set on_duty = false, geom = null, seen_at = null
        where seen_at < moment - keep
        returning id
    )
    select count(*) from gone
$$;
revoke execute on function position_forget(timestamptz, interval) from public;
comment on column worker.geom is 'Last position told while on duty by who shares it for the shift; never a track';
