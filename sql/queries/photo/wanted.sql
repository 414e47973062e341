select distinct hash
from photo
where hash = any($1::bytea[])
