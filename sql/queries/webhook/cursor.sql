select position::text::int8
from webhook_cursor
