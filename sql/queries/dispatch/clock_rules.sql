select level, dispatch_minutes, warn_percent, raise_percent
from clock_rule
