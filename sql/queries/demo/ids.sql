select 'source:' || code, id from source
union all
select 'item:' || code, id from item
union all
select 'class:' || kind || ':' || code, id from class
union all
select 'department:' || code, id from department
