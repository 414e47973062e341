insert into account (name, display, display_en, password, password_at, demo, created_by, created_at)
values ($1, $2, $3, nullif($4::text, ''), case when $4::text <> '' then $7::timestamptz end, $5, $6, $7)
returning id
