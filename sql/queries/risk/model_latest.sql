select coalesce(max(id), 0)
from risk_model
