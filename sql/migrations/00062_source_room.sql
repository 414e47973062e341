-- +goose Up

-- A source's row is written once a second while it delivers, and looked at by each report. Old versions of a row are
-- cleared away when its page has less room than this asks for: a page that counts as full at once is kept clean, where
-- otherwise dozens of versions, each locked by several reports, are read and judged again and again.
alter table source set (fillfactor = 10);
