select id, types, place
from webhook_out
where enabled
