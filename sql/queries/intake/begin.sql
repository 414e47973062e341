insert into import_run (kind, source_id, file, file_sha256, mapping)
values ($1, $2, $3, $4, $5)
returning id
