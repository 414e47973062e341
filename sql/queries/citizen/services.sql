select item, offered, attributes
from citizen_service
