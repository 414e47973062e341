select code, name, name_en
from purpose
order by sort, code
