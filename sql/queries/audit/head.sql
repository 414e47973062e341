select seq, greatest(at, clock_timestamp()), hash
from audit_head
for update
