-- +goose Up

-- The event catalogue whole: whose duty an item is and where it ends, what must be given, who verifies. A row is one
-- version of an item; a version is never changed, but for the day on which it ends.
alter table item
    add column subclass     text not null default '' check (length(subclass) <= 60),
    add column object       text not null default '' check (length(object) <= 200),
    add column duty         text not null default '' check (length(duty) <= 2000),
    add column requires     text[] not null default '{}',
    add column verify_level smallint not null default 3 check (verify_level between 1 and 3),
    add constraint item_validity check (valid_to >= valid_from);
comment on column item.version is 'Versions (版本) of a code, from 1; events keep the one that they were filed under';
comment on column item.subclass is 'Class (小类) within the category';
comment on column item.object is 'What it is about (管理对象)';
comment on column item.department_id is 'Owner (责任单位)';
comment on column item.duty is 'Boundary of duty in words (职责边界): what is the owner''s, and what is not';
comment on column item.requires is 'Inputs (必填要素) as step.input, such as report.address or feedback.place; photos of the feedback stand in photos';
comment on column item.verify_level is 'Desks of which level verify at the lowest (核查层级): 1 city 市, 2 town 镇街, 3 village/community 村社区';
comment on column item.valid_from is 'First day on which events are filed under this version';
comment on column item.valid_to is 'First day on which they no longer are; null: open';
