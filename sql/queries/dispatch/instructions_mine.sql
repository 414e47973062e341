-- What an actor was told: all that is not acknowledged, and what was within a time.
select i.id, i.text, coalesce(s.label, ''), coalesce(s.label_en, ''), i.at, coalesce(i.event_id, 0), t.read_at
from worker w
join instruction_to t on t.worker_id = w.id
join instruction i on i.id = t.instruction_id
left join worker s on s.actor = i.actor
where w.actor = $1
    and (t.read_at is null or t.told_at > $2)
order by t.read_at is not null, i.at desc, i.id desc
limit 200
