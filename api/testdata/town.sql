-- A city of two towns; all numbers below are counted by the tests.
update deployment set name = '测试市', name_en = 'Test City', zone = 'Asia/Shanghai';
insert into department (code, name, name_en) values ('fire', '消防', 'Fire brigade');
insert into source (code, name, name_en, department_id, kind, cadence, last_at) values
    ('places', '区划', 'Divisions', null, 'place', null, null),
    ('residents', '人口', 'Residents', null, 'person', '1 day', now() - interval '3 days'),
    ('hotline', '热线', 'Hotline', 1, 'event', '1 hour', now());
insert into place (code, level, parent_id, name, name_en, geom, label, area_m2, source_id)
select p.code, p.level, (select id from place where code = p.parent), p.name, p.name_en,
    st_multi(st_makeenvelope(p.w, 23.0, p.e, p.n, 4326)), st_setsrid(st_makepoint((p.w + p.e) / 2, 23.04), 4326), 1e6, 1
from (values ('990100000000', 1, null, '测试市', 'Test City', 113.0, 113.2, 23.1)) p (code, level, parent, name, name_en, w, e, n);
insert into place (code, level, parent_id, name, name_en, geom, label, area_m2, source_id)
select p.code, p.level, 1, p.name, p.name_en,
    st_multi(st_makeenvelope(p.w, 23.0, p.e, 23.1, 4326)), st_setsrid(st_makepoint((p.w + p.e) / 2, 23.04), 4326), 5e5, 1
from (values ('990101000000', 2, '望江镇', 'Wangjiang', 113.0, 113.1), ('990102000000', 2, '云东镇', 'Yundong', 113.1, 113.2))
    p (code, level, name, name_en, w, e);
insert into place (code, level, parent_id, name, name_en, geom, label, area_m2, source_id) values
    ('990101001000', 3, 2, '江湾社区', 'Jiangwan', st_multi(st_makeenvelope(113.0, 23.0, 113.1, 23.1, 4326)),
        st_setsrid(st_makepoint(113.05, 23.04), 4326), 5e5, 1);
insert into place (code, level, parent_id, name, name_en, geom, label, area_m2, source_id) values
    ('990101001000001', 4, 4, '03网格', 'Grid 03', st_multi(st_makeenvelope(113.0, 23.0, 113.1, 23.1, 4326)),
        st_setsrid(st_makepoint(113.05, 23.04), 4326), 5e5, 1);
insert into class (kind, id, code, name, name_en, "group") values
    ('person', 1, 'registered', '户籍', 'Registered', ''), ('site', 1, 'school', '学校', 'School', 'education'),
    ('site', 2, 'park', '公园', 'Park', 'leisure'), ('event', 1, 'fire', '火灾', 'Fire', ''), ('event', 2, 'flood', '内涝', 'Flooding', '');
insert into care_need (bit, code, name, name_en) values (0, 'living_alone', '独居', 'Living alone');
insert into item (code, class, name, name_en, department_id, level, deadline_hours, steps) values
    ('F-1', 1, '火情', 'Fire', 1, 2, 24, '{report,accept,close}');
insert into layer (code, kind, bit, "group", group_en, name, name_en, filter, sort, department_id, source_id) values
    ('elderly', 'person', 0, '人口', 'People', '老人', 'Elderly', 'age >= 60', 1, null, 2),
    ('sites', 'site', 0, '场所', 'Sites', '场所', 'Sites', '', 2, null, null),
    ('schools', 'site', 1, '场所', 'Sites', '学校', 'Schools', 'class = ''school''', 3, null, null),
    ('events', 'event', 0, '事件', 'Events', '事件', 'Events', '', 4, 1, 3),
    ('fires', 'event', 1, '事件', 'Events', '火灾', 'Fires', 'category = ''fire''', 5, null, null),
    ('towns', 'place', null, '区划', 'Divisions', '镇街', 'Towns', '', 6, null, null);
insert into person (source_id, key, plain_name, plain_id_number, plain_phone, class, birth, care, geom, place_id, hash)
select 2, 'a' || i, '秘密姓名', '99010119400101' || lpad(i::text, 4, '0'), '139' || lpad(i::text, 8, '0'), 1, date '1940-01-01', 1, st_setsrid(st_makepoint(113.05, 23.05), 4326), 5, ''
from generate_series(1, 30) i;
insert into person (source_id, key, plain_name, plain_id_number, class, birth, geom, place_id, hash)
select 2, 'b' || i, '密云之人', '99010219500101' || lpad(i::text, 4, '0'), 1, date '1950-01-01', st_setsrid(st_makepoint(113.15, 23.05), 4326), 3, ''
from generate_series(1, 5) i;
insert into site (source_id, key, name, class, status, attributes, geom, anchor, place_id, hash) values
    (3, '1', '第一小学', 1, 1, '{"pupils": 300}', st_setsrid(st_makepoint(113.051, 23.05), 4326), st_setsrid(st_makepoint(113.051, 23.05), 4326), 5, ''),
    (3, '2', '第二小学', 1, 3, '{}', st_setsrid(st_makepoint(113.052, 23.05), 4326), st_setsrid(st_makepoint(113.052, 23.05), 4326), 5, ''),
    (3, '3', '中心公园', 2, 1, '{}', st_makeenvelope(113.05, 23.051, 113.053, 23.053, 4326), st_setsrid(st_makepoint(113.0515, 23.052), 4326), 5, '');
insert into event (source_id, key, item_id, class, level, status, channel, title, reported_at, due_at, closed_at, geom, place_id, department_id, hash) values
    (3, '1', 1, 1, 2, 1, 2, '楼道起火', now() - interval '2 days', now() - interval '1 day', null, st_setsrid(st_makepoint(113.05, 23.05), 4326), 5, 1, ''),
    (3, '2', null, 2, 3, 2, 1, '道路积水', now(), null, null, st_setsrid(st_makepoint(113.05, 23.051), 4326), 5, null, ''),
    (3, '3', 1, 1, 2, 7, 2, '垃圾起火', now() - interval '3 days', now() - interval '2 days', now() - interval '60 hours', st_setsrid(st_makepoint(113.05, 23.052), 4326), 5, 1, '');
