insert into retention_run (kind, over, gone, stayed)
values ($1, $2, $3, $4)
