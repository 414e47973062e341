select client_key, at
from change
where client_key like 'demo:%:catalogue'
