-- It looks first: an insert that finds its row there takes a number of the sequence all the same.
insert into source (code, name, name_en, kind)
select 'direct', '直接上报', 'Direct reports', 'event'
where not exists (select from source where code = 'direct')
on conflict (code) do nothing
