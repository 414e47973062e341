select id, code
from item
