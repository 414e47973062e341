delete from sign_in_try
where key in (select key from sign_in_try where last_at <= $1 for update skip locked)
