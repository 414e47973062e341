select
    id, prefix, title, role, coalesce(place_id, 0), coalesce(department_id, 0), created_by, created_at, expires_at, coalesce(rotated_from, 0),
    used_at, revoked_at
from service_key
order by id desc
limit 1000
