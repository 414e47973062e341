-- The message in the log makes this transaction's end wait until the log is on the disk, so that its number is not given
-- again after a crash: followers have told that everything up to it is complete.
select pg_notify('change', $1), pg_logical_emit_message(true, 'onepicture', '')
