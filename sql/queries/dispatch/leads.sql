select exists (select from event where merged_into = $1)
