select seq, at, hash from audit_head
