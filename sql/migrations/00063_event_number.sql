-- +goose Up

-- A request takes its event's number before it writes, so that all that it writes is sent at once.
grant usage on sequence event_id_seq to onepicture_request;
