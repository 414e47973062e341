select terms
from risk_picture
where input_id = $1
and class = $2
and horizon = $3
