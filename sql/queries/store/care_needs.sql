select bit, code, name, name_en
from care_need
order by bit
