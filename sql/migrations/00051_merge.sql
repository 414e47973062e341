-- +goose Up

-- One event, many reports. What was merged keeps its own state below, so that undoing it gives back all that was.
-- See docs/decisions/0040.
alter table event
    add column merged_at timestamptz,
    add constraint event_merged_at check ((merged_into is null) = (merged_at is null)),
    add constraint event_merged_self check (merged_into <> id);
comment on column event.merged_into is 'The event that this report is about too (合并): it is counted there, not here; null: its own';
comment on column event.merged_at is 'Since when it has been merged; its clock stands still from then on';

alter table item
    add column dup_meters  int check (dup_meters between 1 and 5000),
    add column dup_hours   int check (dup_hours between 1 and 8760),
    add column repeat_days int check (repeat_days between 1 and 366);
comment on column item.dup_meters is 'How near another report may be to be about the same (查重半径), and how near "the same place" is; null: 200';
comment on column item.dup_hours is 'How far apart in time two reports of the same may be (查重时限); null: 72';
comment on column item.repeat_days is 'Within how many days another event of the item at the place is a repeat (重复发生); null: 14';
