-- +goose Up

-- Nobody searches by these columns, and to look at their values in 30,000 rows is half of what it costs to keep the planner's
-- statistics of a table that grows by hundreds of rows a second.
alter table event
    alter column title set statistics 0,
    alter column description set statistics 0,
    alter column address set statistics 0,
    alter column attributes set statistics 0,
    alter column hash set statistics 0,
    alter column orig_datum set statistics 0,
    alter column orig_x set statistics 0,
    alter column orig_y set statistics 0;
alter table event_step
    alter column note set statistics 0,
    alter column reason set statistics 0,
    alter column evidence set statistics 0,
    alter column detail set statistics 0,
    alter column geom set statistics 0;
alter table change
    alter column actor set statistics 0,
    alter column reason set statistics 0,
    alter column ids set statistics 0,
    alter column old_geom set statistics 0,
    alter column new_geom set statistics 0,
    alter column old_layers set statistics 0,
    alter column new_layers set statistics 0,
    alter column record set statistics 0,
    alter column fields set statistics 0;
