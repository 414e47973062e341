update citizen_case
set rating = $2, rating_words = $3, rated_at = $4
where event_id = $1
