select rating, rating_words, rated_at
from citizen_case
where event_id = $1 and rating is not null
