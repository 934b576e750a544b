-- The store of one domain, format 1. Run once, in an empty schema, by `PostgresStore.open`.
--
-- A change of anything here is a new format: add a schema_<n>.sql, see schema.py.

create table head (
    one boolean primary key default true check (one),
    format integer not null,
    position bigint not null,
    digest bytea not null
) with (fillfactor = 50); -- room for updates in place: every append changes this row

insert into head (format, position, digest) values (1, 0, decode(repeat('00', 32), 'hex'));

-- `body` is json and not jsonb: json keeps the text to the letter, even \u0000.
-- Run no SQL into bodies; what queries need stands beside them.
create table events (
    position bigint primary key,
    event_id uuid not null,
    aggregate text collate "C" not null,
    id text collate "C" not null,
    version bigint not null,
    type text collate "C" not null,
    body json not null
);

-- One index loads an aggregate, finds its version, forbids a version to be written twice,
-- and lists all that happened to an id.
create unique index events_version on events (id, aggregate, version) include (position);

create table receipts (
    command_id text collate "C" primary key,
    digest bytea not null,
    answer json not null,
    position bigint not null
);

create table upstreams (
    upstream text collate "C" primary key,
    position bigint not null,
    event_id text not null
);

create table duties (
    name text collate "C" primary key,
    due timestamptz not null,
    kind text not null,
    body json not null,
    event_id text not null,
    correlation_id text not null
);
create index duties_due on duties (kind, due, name);

create table parked (
    reader text collate "C",
    key text collate "C",
    position bigint,
    body bytea not null, -- an upstream's bytes, whatever they are
    reason text not null,
    attempts integer not null default 1,
    since timestamptz not null default now(),
    primary key (reader, key, position)
);

create table refusals (
    number bigint generated always as identity primary key,
    upstream text not null,
    position bigint not null,
    command text not null,
    id text not null,
    code text not null,
    message text not null,
    recorded timestamptz not null default now()
);

-- A column of values comes as one text, each value behind a record separator (RFC 7464).
create function unpacked(packed text) returns text[]
language sql immutable parallel safe
return (string_to_array(packed, E'\x1e'))[2:];

-- What an append rests on and no longer finds: null if it finds all.
create function conflicts(
    reads text[], receipts_ text[], moves text[], fired text[], unparked text[]
) returns json language plpgsql stable as $$
declare
    keys json;
    used json;
    moved json;
    gone json;
    missing json;
begin
    select json_agg(json_build_array(r.aggregate, r.id)) into keys
    from unnest(unpacked(reads[1]), unpacked(reads[2]), unpacked(reads[3])::bigint[])
        as r (aggregate, id, version)
    where r.version is distinct from coalesce((
        select e.version from events e
        where e.id = r.id and e.aggregate = r.aggregate
        order by e.version desc limit 1
    ), 0);
    if receipts_ is not null then
        select json_agg(command_id) into used
        from receipts where command_id = any (unpacked(receipts_[1]));
    end if;
    if moves is not null then
        select json_agg(m.upstream) into moved
        from unnest(unpacked(moves[1]), unpacked(moves[2])::bigint[], unpacked(moves[3]))
            as m (upstream, position, event_id)
        left join upstreams u using (upstream)
        where (m.position, m.event_id) <> (coalesce(u.position, 0), coalesce(u.event_id, ''));
    end if;
    if fired is not null then
        select json_agg(json_build_array(f.name, f.event_id)) into gone
        from unnest(unpacked(fired[1]), unpacked(fired[2])) as f (name, event_id)
        where not exists (
            select from duties d where d.name = f.name and d.event_id = f.event_id
        );
    end if;
    if unparked is not null then
        select json_agg(json_build_array(n.reader, n.key, n.position)) into missing
        from unnest(unpacked(unparked[1]), unpacked(unparked[2]), unpacked(unparked[3])::bigint[])
            as n (reader, key, position)
        where not exists (
            select from parked p
            where p.reader = n.reader and p.key = n.key and p.position = n.position
        );
    end if;
    if coalesce(keys, used, moved, gone, missing) is not null then
        return json_build_array(keys, used, moved, gone, missing);
    end if;
    return null;
end $$;

-- Writes events behind `last_position` and gives the hash chain up to the last of them.
create function record_events(rows text[], last_position bigint, last_digest bytea)
returns bytea language plpgsql as $$
declare
    bodies constant text[] := unpacked(rows[6]);
    body text;
begin
    insert into events (position, event_id, aggregate, id, version, type, body)
    select last_position + n, event_id, aggregate, id, version, type, e.body
    from unnest(unpacked(rows[1])::uuid[], unpacked(rows[2]), unpacked(rows[3]),
                unpacked(rows[4])::bigint[], unpacked(rows[5]), bodies::json[])
        with ordinality as e (event_id, aggregate, id, version, type, body, n);
    foreach body in array bodies loop
        last_digest := sha256(last_digest || convert_to(body, 'UTF8'));
    end loop;
    return last_digest;
end $$;

create function record_receipts(rows text[], last_position bigint)
returns void language sql as $$
    insert into receipts (command_id, digest, answer, position)
    select command_id, decode(digest, 'hex'), answer, last_position + last
    from unnest(unpacked(rows[1]), unpacked(rows[2]), unpacked(rows[3])::json[],
                unpacked(rows[4])::bigint[]) as r (command_id, digest, answer, last);
$$;

create function record_moves(rows text[]) returns void language sql as $$
    insert into upstreams (upstream, position, event_id)
    select * from unnest(unpacked(rows[1]), unpacked(rows[4])::bigint[], unpacked(rows[5]))
    on conflict (upstream) do update
        set position = excluded.position, event_id = excluded.event_id;
$$;

create function record_duties(rows text[]) returns void language sql as $$
    insert into duties (name, due, kind, body, event_id, correlation_id)
    select * from unnest(unpacked(rows[1]), unpacked(rows[2])::timestamptz[], unpacked(rows[3]),
                         unpacked(rows[4])::json[], unpacked(rows[5]), unpacked(rows[6]))
    on conflict (name) do update
        set due = excluded.due, kind = excluded.kind, body = excluded.body,
            event_id = excluded.event_id, correlation_id = excluded.correlation_id;
$$;

create function forget_parked(rows text[]) returns void language sql as $$
    delete from parked p
    using unnest(unpacked(rows[1]), unpacked(rows[2]), unpacked(rows[3])::bigint[])
        as n (reader, key, position)
    where p.reader = n.reader and p.key = n.key and p.position = n.position;
$$;

create function record_parked(rows text[]) returns void language sql as $$
    insert into parked (reader, key, position, body, reason)
    select reader, key, position, decode(body, 'hex'), reason
    from unnest(unpacked(rows[1]), unpacked(rows[2]), unpacked(rows[3])::bigint[],
                unpacked(rows[4]), unpacked(rows[5])) as n (reader, key, position, body, reason)
    on conflict (reader, key, position) do nothing;
$$;

create function record_refusals(rows text[]) returns void language sql as $$
    insert into refusals (upstream, position, command, id, code, message)
    select * from unnest(unpacked(rows[1]), unpacked(rows[2])::bigint[], unpacked(rows[3]),
                         unpacked(rows[4]), unpacked(rows[5]), unpacked(rows[6]));
$$;

-- The whole append. Each argument is a table as an array of packed columns, null if empty.
-- What has to stay true is checked under the lock on head, and all of it before anything
-- is written: a conflict leaves no trace. What an append ends is deleted before what it
-- starts is written, so one name can do both.
create function append(
    reads text[], new_events text[], new_receipts text[], moves text[], new_duties text[],
    settled text[], fired text[], new_parked text[], unparked text[], new_refusals text[],
    out new_position bigint, out new_digest bytea, out conflict json
) language plpgsql as $$
begin
    if coalesce(new_events, new_receipts, moves, new_duties, settled, fired,
                new_parked, unparked, new_refusals) is null then
        -- Only a check: it needs no lock, and so no write to disk.
        conflict := conflicts(reads, null, null, null, null);
        select h.position, h.digest into new_position, new_digest from head h;
        return;
    end if;
    select h.position, h.digest into new_position, new_digest from head h for update;
    conflict := conflicts(reads, new_receipts, moves, fired, unparked);
    if conflict is not null then return; end if;
    perform record_ends(fired, settled, unparked);
    if new_duties is not null then perform record_duties(new_duties); end if;
    if moves is not null then perform record_moves(moves); end if;
    if new_parked is not null then perform record_parked(new_parked); end if;
    if new_refusals is not null then perform record_refusals(new_refusals); end if;
    if new_receipts is not null then
        perform record_receipts(new_receipts, new_position);
    end if;
    if new_events is not null then
        new_digest := record_events(new_events, new_position, new_digest);
        new_position := new_position + cardinality(unpacked(new_events[1]));
        update head set position = new_position, digest = new_digest;
    end if;
end $$;

create function record_ends(fired text[], settled text[], unparked text[])
returns void language plpgsql as $$
begin
    if fired is not null then
        delete from duties where name = any (unpacked(fired[1]));
    end if;
    if settled is not null then
        delete from duties where name = any (unpacked(settled[1]));
    end if;
    if unparked is not null then perform forget_parked(unparked); end if;
end $$;
