select day, working
from calendar_day
