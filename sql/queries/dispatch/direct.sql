insert into source (code, name, name_en, kind)
values ('direct', '直接上报', 'Direct reports', 'event')
on conflict (code) do nothing
