select audit_partition($1)
