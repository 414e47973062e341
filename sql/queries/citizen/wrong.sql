update citizen_case
set wrong = $2, wrong_at = $3
where event_id = $1
