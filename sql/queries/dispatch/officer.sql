select not exists (select from worker where actor = $1 and not desk)
