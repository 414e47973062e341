-- The sample accounts take the posts of their places: the workers those of their grids, the officers the desks.
with post as (
    select
        'a' || a.id as actor,
        p.id as place_id,
        p.label,
        case g.role
            when 'grid_worker' then 'demo:worker:' || p.code
            when 'department_officer' then 'demo:urban_management'
            else 'demo:desk:' || coalesce(p.code, (select code from place where level = 1 order by id limit 1))
        end as invented
    from account a
    join role_grant g on g.account_id = a.id
    left join place p on p.id = g.place_id
    where a.demo
        and g.role in ('grid_worker', 'clerk', 'town_duty', 'city_duty', 'department_officer')
), bound as (
    update worker w
    set
        actor = post.actor,
        on_duty = true,
        skills = '{}'
    from post
    where w.actor = post.invented
    returning w.id, post.actor, post.invented, post.place_id, post.label
), present as (
    insert into presence (worker_id, place_id, geom, seen_at)
    select id, place_id, label, now()
    from bound
    where label is not null
    on conflict (worker_id) do update
    set seen_at = excluded.seen_at
), told as (
    update event_step s
    set actor = bound.actor
    from bound
    where s.actor = bound.invented
)
update assignment a
set assigned_by = bound.actor
from bound
where a.assigned_by = bound.invented
