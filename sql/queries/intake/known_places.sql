select code, id, level::int8, source_id, valid_from, valid_to, hash
from place
