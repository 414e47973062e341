-- The first system that is told is told of what comes, not of what was.
update webhook_cursor
set position = pg_current_xact_id()
where not exists (select from webhook_out where enabled)
