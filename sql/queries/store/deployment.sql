select name, name_en, zone, synthetic
from deployment
