-- +goose Up

-- Tries to sign in are counted for all servers together (layers/account/throttle.go, docs/decisions/0043).
create table sign_in_try (
    key     bytea primary key check (octet_length(key) = 32),
    n       int not null check (n >= 0),
    last_at timestamptz not null
);
create index sign_in_try_last on sign_in_try (last_at);
revoke all on sign_in_try from onepicture_request;
comment on table sign_in_try is 'Tries to sign in (登录尝试) that failed or are not yet decided; forgotten after half an hour';
comment on column sign_in_try.key is 'HMAC-SHA-256 by a key outside the database of the sign-in name with the network, or of one of the two';
comment on column sign_in_try.last_at is 'When the last one began';

-- +goose StatementBegin
create function sign_in_begin(keys bytea[], free int[], most float8[], moment timestamptz, forgotten timestamptz,
    out refused int, out pause float8, out slow boolean)
language plpgsql as $$
declare
    t record;
begin
    -- In the order of the keys, lest two wait for one another.
    insert into sign_in_try (key, n, last_at) select k, 0, moment from unnest(keys) k order by k on conflict do nothing;
    perform from sign_in_try s where s.key = any(keys) order by s.key for update;
    slow := false;
    for t in
        select u.nr, u.free, u.most, s.last_at, case when s.last_at > forgotten then s.n else 0 end as n
        from unnest(keys, free, most) with ordinality u (key, free, most, nr)
        join sign_in_try s on s.key = u.key
        order by u.nr
    loop
        if t.n >= t.free then
            pause := least(2 ^ least(t.n - t.free, 20), t.most) - extract(epoch from moment - t.last_at);
            if pause > 0 then
                refused := t.nr;
                return;
            end if;
        end if;
        slow := slow or t.n > t.free / 2;
    end loop;
    refused := 0;
    pause := 0;
    update sign_in_try s set n = case when s.last_at > forgotten then s.n else 0 end + 1, last_at = moment where s.key = any(keys);
end
$$;
-- +goose StatementEnd
comment on function sign_in_begin is 'Counts a try under each key, unless one of them has had as many as are free (pauses from 1 s, doubled up to most seconds): then its number, and how long to wait';

-- +goose StatementBegin
create function sign_in_undo(keys bytea[], forget boolean) returns void
language plpgsql as $$
begin
    perform from sign_in_try s where s.key = any(keys) order by s.key for update;
    update sign_in_try s set n = case when forget and s.key = keys[1] then 0 else greatest(s.n - 1, 0) end where s.key = any(keys);
end
$$;
-- +goose StatementEnd
comment on function sign_in_undo is 'Takes a try back; with forget all that were counted under the first key';
