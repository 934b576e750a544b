-- From format 1 to format 2: snapshots, and receipts that are kept for a time.
--
-- Run once by `PostgresStore.open`, on a new store right after schema.sql. Processes of the
-- version before that are running meanwhile go on as they were.

-- First what an append takes first: so neither can wait for the other for ever.
select from head for update;

create table snapshots (
    aggregate text collate "C",
    id text collate "C",
    version bigint not null,
    event_id text not null,
    shape text not null,
    body json not null,
    seal bytea not null,
    primary key (id, aggregate)
) with (fillfactor = 70);

-- Neither of these waits for the disk: what a crash takes back is made again.
create function keep_snapshots(rows text[]) returns void language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into snapshots as s (aggregate, id, version, event_id, shape, body, seal)
    -- In order, so that two processes that keep the same ones can't lock each other out.
    select aggregate, id, version, event_id, shape, body, decode(seal, 'hex')
    from unnest(unpacked(rows[1]), unpacked(rows[2]), unpacked(rows[3])::bigint[],
                unpacked(rows[4]), unpacked(rows[5]), unpacked(rows[6])::json[],
                unpacked(rows[7]))
        as r (aggregate, id, version, event_id, shape, body, seal)
    order by aggregate, id
    on conflict (id, aggregate) do update
        set version = excluded.version, event_id = excluded.event_id,
            shape = excluded.shape, body = excluded.body, seal = excluded.seal
        where s.version <= excluded.version or s.shape <> excluded.shape;
end $$;

create function forget_snapshot(aggregate_ text, id_ text) returns void language sql as $$
    delete from snapshots where id = id_ and aggregate = aggregate_;
$$;

alter table receipts add column recorded timestamptz not null default now();
create index receipts_recorded on receipts (recorded);
-- Trimming leaves as much behind as is recorded: tidied up in small portions, too.
alter table receipts set (autovacuum_vacuum_scale_factor = 0.02);

create function trim_receipts(before timestamptz, most integer)
returns integer language plpgsql as $$
declare
    trimmed integer;
begin
    perform set_config('synchronous_commit', 'off', true);
    delete from receipts where ctid = any (array(
        select r.ctid from receipts r where r.recorded < before order by r.recorded limit most
    ));
    get diagnostics trimmed = row_count;
    return trimmed;
end $$;

update head set format = 2;
