select not exists (select from place)
