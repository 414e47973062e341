select hash
from audit
where seq = $1 and at = $2
