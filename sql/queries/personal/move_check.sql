update key_check
set sealed = $1, at = now()
