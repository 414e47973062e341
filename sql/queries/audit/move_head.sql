update audit_head
set seq = $1, at = $2, hash = $3
