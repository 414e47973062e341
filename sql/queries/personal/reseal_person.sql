update person p
set
    key = s.key,
    plain_name = null,
    plain_id_number = null,
    plain_phone = null,
    name = s.name,
    id_number = s.id_number,
    phone = s.phone,
    home = s.home,
    id_number_index = nullif(s.id_number_index, 0),
    phone_index = nullif(s.phone_index, 0),
    hash = case when p.seal is null then '' else p.hash end,
    seal = $9
from unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bigint[])
    s (id, key, name, id_number, phone, home, id_number_index, phone_index)
where p.id = s.id
