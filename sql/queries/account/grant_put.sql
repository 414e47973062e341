insert into role_grant (account_id, role, place_id, department_id, valid_from, valid_until, reason, granted_by, granted_at)
values ($1, $2, nullif($3::int, 0), nullif($4::smallint, 0), $5, $6, $7, $8, $9)
returning id
