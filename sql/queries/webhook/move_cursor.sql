-- Of several servers that have read the same, one moves on; the others wait for it and find nothing to move.
update webhook_cursor
set position = $1::text::xid8
where position = $2::int8::text::xid8
