select
    setval(pg_get_serial_sequence('department', 'id'), (select max(id) from department)),
    setval(pg_get_serial_sequence('source', 'id'), (select max(id) from source)),
    setval(pg_get_serial_sequence('item', 'id'), (select max(id) from item)),
    setval(pg_get_serial_sequence('place', 'id'), (select max(id) from place)),
    setval(pg_get_serial_sequence('address', 'id'), (select max(id) from address)),
    setval(pg_get_serial_sequence('person', 'id'), (select max(id) from person)),
    setval(pg_get_serial_sequence('site', 'id'), (select max(id) from site)),
    setval(pg_get_serial_sequence('event', 'id'), (select max(id) from event)),
    setval(pg_get_serial_sequence('unit', 'id'), (select max(id) from unit)),
    setval(pg_get_serial_sequence('worker', 'id'), (select max(id) from worker))
