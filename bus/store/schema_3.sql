-- From format 2 to format 3: one statement to append and to wait for the disk.
--
-- Run once by `PostgresStore.open`. Processes of the version before that are running
-- meanwhile go on as they were.

-- First what an append takes first: so neither can wait for the other for ever.
select from head for update;

-- Returns with a transaction that waits until all that was committed before is on disk; nothing
-- is written where it is. A message of its own, which nobody reads, makes one wait for the log
-- as any other does: for the disk, and for the standbys that `synchronous_commit` names
-- (https://www.postgresql.org/docs/18/functions-admin.html).
create function reach_disk() returns void language plpgsql as $$
begin
    if pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()
            or current_setting('synchronous_standby_names') <> '' then
        perform pg_logical_emit_message(true, 'trueup', '');
    end if;
end $$;

-- An append that waits for the disk while it holds the head makes the next one wait, too. So
-- this one is committed without waiting, and a notice says so: others may build on it, in
-- other sessions. Then it waits for the disk.
create procedure append_at_once(
    reads text[], new_events text[], new_receipts text[], moves text[], new_duties text[],
    settled text[], fired text[], new_parked text[], unparked text[], new_refusals text[],
    inout new_position bigint, inout new_digest bytea, inout conflict json
) language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    select a.new_position, a.new_digest, a.conflict into new_position, new_digest, conflict
    from append(reads, new_events, new_receipts, moves, new_duties,
                settled, fired, new_parked, unparked, new_refusals) as a;
    if conflict is not null then return; end if;
    commit;
    raise notice 'landed % %', new_position, encode(new_digest, 'hex');
    perform reach_disk();
end $$;

update head set format = 3;
