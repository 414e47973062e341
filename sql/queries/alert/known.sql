select id, digest
from alert
where sender = $1 and identifier = $2 and sent = $3
