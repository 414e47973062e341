select id, secret, mapping
from webhook_in
where code = $1 and enabled
