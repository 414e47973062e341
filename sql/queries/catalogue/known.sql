select 'class:' || kind || ':' || code from class
union all
select 'department:' || code from department
union all
select 'source:' || code from source
union all
select 'layer:' || code || ':' || kind from layer
