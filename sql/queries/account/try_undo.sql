select sign_in_undo($1::bytea[], $2::boolean)
