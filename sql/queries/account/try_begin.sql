select refused, pause, slow from sign_in_begin($1::bytea[], $2::int[], $3::float8[], $4::timestamptz, $5::timestamptz)
