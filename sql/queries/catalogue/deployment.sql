update deployment
set name = $1, name_en = $2, zone = $3
