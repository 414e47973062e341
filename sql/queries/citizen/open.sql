insert into citizen_case (event_id, code, token, attributes, media_url)
values ($1, $2, $3, $4, $5)
