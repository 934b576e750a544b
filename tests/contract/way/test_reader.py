"""Readers get every event once and in order, whatever their stream has lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from bus import subjects
from bus.broker.port import Request
from bus.owner import Delivered
from bus.reader import Reader, RestoredBackup
from bus.store.port import START, Checkpoint
from tests.contract.way.conftest import PATIENCE, Till
from tests.contract.way.till_events import append


class Reading:
    """A reader at work in the background; `events` is all that it has given so far."""

    def __init__(self, till: Till, reader: Reader, checkpoint: Checkpoint) -> None:
        self._till = till
        self.reader = reader
        self.events: list[Delivered] = []
        self.caught_up = asyncio.Event()
        self.task = till.start(self._read(checkpoint))

    async def _read(self, checkpoint: Checkpoint) -> None:
        async for batch in self.reader.follow(checkpoint):
            self.events.extend(batch)
            if not batch:
                self.caught_up.set()

    async def equals_store(self, after: int = 0) -> None:
        """Returns when all of the store behind `after` has been read, once and in order."""

        async def complete() -> bool:
            if self.task.done():
                self.task.result()
            head = (await self._till.store.head()).position
            return len(self.events) >= head - after

        await self._till.until(complete)
        stored = await self._till.store.read(after, 10_000)
        assert self.events == [Delivered(e.position, e.type, e.body) for e in stored]


@pytest.fixture
async def reports(till: Till) -> AsyncIterator[list[bytes]]:
    """What readers have reported to the relay."""
    found: list[bytes] = []

    def note(request: Request) -> None:
        found.append(request.body)

    serving = await till.broker.subscribe(subjects.hole("till"), note)
    yield found
    await serving.stop()


async def start(till: Till, checkpoint: Checkpoint = START) -> Reading:
    return Reading(till, await till.reader(), checkpoint)


async def test_all_events_come_in_order_and_then_an_empty_batch(till: Till) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    reading = await start(till)
    await reading.equals_store()
    await asyncio.wait_for(reading.caught_up.wait(), PATIENCE)


async def test_it_goes_on_behind_its_checkpoint(till: Till) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    reading = await start(till, await till.at(12))
    await reading.equals_store(after=12)


async def test_new_events_come_as_they_are_relayed(till: Till) -> None:
    relay = await till.relay()
    till.start(relay.run())
    reading = await start(till)
    for round in range(5):
        await append(till.store, 4)
        relay.committed(await till.store.read(round * 4, 4))
        await reading.equals_store()


async def test_a_hole_is_filled_from_the_owner_and_reported(
    till: Till, reports: list[bytes]
) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    for position in (9, 10, 20):
        await till.damage.lose_message(position)
    await till.serve_log()
    reading = await start(till)
    await reading.equals_store()
    assert reading.reader.holes == 3
    await till.until(lambda: _is(reports == [b'{"position":9}', b'{"position":20}']))


async def test_a_hole_is_repaired_by_the_relay_while_readers_go_on(till: Till) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    await till.damage.lose_message(9)
    await till.serve_log()
    relay = await till.relay()
    till.start(relay.run())
    await till.until(lambda: _is(relay.idle))
    readings = [await start(till), await start(till, await till.at(20))]
    await readings[0].equals_store()
    await till.until(till.stream_equals_store)
    assert relay.rebuilt == 1
    await append(till.store, 5)
    await till.broker.publish(subjects.hint("till"), b"")
    await readings[0].equals_store()
    await readings[1].equals_store(after=20)


async def test_while_the_owner_is_down_a_hole_is_waited_for_and_never_skipped(
    till: Till, reports: list[bytes]
) -> None:
    await append(till.store, 15)
    await till.damage.write(till.store, 15)
    await till.damage.lose_message(9)
    reading = await start(till)
    await till.until(lambda: _is(len(reports) == 1))
    assert [event.position for event in reading.events] == list(range(1, 9))
    await till.serve_log()
    await reading.equals_store()


async def test_trimmed_history_is_read_from_the_owner_and_nothing_is_reported(
    till: Till, reports: list[bytes]
) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    await till.damage.trim(16)
    await till.serve_log()
    reading = await start(till)
    await reading.equals_store()
    assert reading.reader.holes == 0
    assert reports == []


async def test_a_hole_that_meets_the_trimmed_part_counts_above_it_only(till: Till) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    await till.damage.trim(16)
    await till.damage.lose_message(20)
    await till.serve_log()
    reading = await start(till)
    await reading.equals_store()
    assert reading.reader.holes == 1


async def test_without_a_stream_it_reads_the_owner_s_log_until_there_is_one(till: Till) -> None:
    await append(till.store, 1200)
    await till.serve_log()
    reading = await start(till)
    await reading.equals_store()
    await append(till.store, 10)
    till.start((await till.relay()).run())
    await reading.equals_store()


async def test_it_may_start_before_anybody_else(till: Till) -> None:
    reading = await start(till)
    await append(till.store, 10)
    till.start((await till.relay()).run())
    await reading.equals_store()


async def test_a_lost_tail_is_waited_for(till: Till) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    reading = await start(till)
    await reading.equals_store()
    await till.damage.lose_tail(till.store, 11)
    await till.serve_log()
    late = await start(till, await till.at(20))
    await append(till.store, 5)
    till.start((await till.relay()).run())
    await reading.equals_store()
    await late.equals_store(after=20)


async def test_a_stream_that_vanishes_and_comes_back_is_read_on(till: Till) -> None:
    await append(till.store, 25)
    await till.serve_log()
    relay = await till.relay()
    till.start(relay.run())
    reading = await start(till)
    await reading.equals_store()
    await till.damage.delete()
    await append(till.store, 5)
    relay.committed(await till.store.read(25, 5))
    await reading.equals_store()


async def test_relay_and_readers_go_on_after_a_reconnect(till: Till) -> None:
    await append(till.store, 25)
    await till.serve_log()
    relay = await till.relay()
    till.start(relay.run())
    reading = await start(till)
    await reading.equals_store()

    async def commit() -> None:
        await append(till.store, 30)
        relay.committed(await till.store.read(25, 30))

    await till.lose_connections(commit())
    await till.until(till.stream_equals_store)
    await reading.equals_store()


async def test_a_stream_that_was_lost_with_its_server_is_noticed_at_the_reconnect(
    till: Till,
) -> None:
    await append(till.store, 25)
    await till.serve_log()
    relay = await till.relay()
    till.start(relay.run())
    reading = await start(till)
    await reading.equals_store()
    await till.lose_connections(append(till.store, 5))
    await till.until(lambda: _is(relay.published == 30))
    await till.damage.lose_tail(till.store, 9)
    await till.lose_connections(append(till.store, 5))
    await till.until(till.stream_equals_store)
    await reading.equals_store()


async def test_another_event_at_the_checkpoint_is_a_restored_backup(till: Till) -> None:
    await append(till.store, 10)
    await till.damage.write(till.store, 10)
    reading = await start(till, Checkpoint(7, "another-event"))
    with pytest.raises(RestoredBackup) as raised:
        await asyncio.wait_for(reading.task, PATIENCE)
    assert (await till.at(7)).event_id in str(raised.value)
    for part in ("Position 7", "TILL", "another-event", "trueup repair till"):
        assert part in str(raised.value)


async def test_a_checkpoint_behind_the_owner_s_end_is_a_restored_backup(till: Till) -> None:
    await append(till.store, 10)
    await till.damage.write(till.store, 10)
    await till.serve_log()
    reading = await start(till, Checkpoint(11, "an-event"))
    with pytest.raises(RestoredBackup, match="there is none now"):
        await asyncio.wait_for(reading.task, PATIENCE)


async def test_a_trimmed_checkpoint_is_compared_with_the_owner(till: Till) -> None:
    await append(till.store, 10)
    await till.damage.write(till.store, 10)
    await till.damage.trim(8)
    await till.serve_log()
    reading = await start(till, await till.at(3))
    await reading.equals_store(after=3)
    with pytest.raises(RestoredBackup):
        await asyncio.wait_for((await start(till, Checkpoint(3, "other"))).task, PATIENCE)


async def test_a_store_that_was_restored_under_a_running_reader_is_noticed(till: Till) -> None:
    await append(till.store, 10)
    await till.damage.write(till.store, 10)
    reading = await start(till)
    await reading.equals_store()
    restored = await till.another_store("another")
    await append(restored, 12)
    await till.serve_log(restored)
    await till.damage.delete()
    with pytest.raises(RestoredBackup, match="Position 10"):
        await asyncio.wait_for(reading.task, PATIENCE)


async def test_a_reader_that_is_left_lets_go(till: Till) -> None:
    await append(till.store, 25)
    await till.damage.write(till.store, 25)
    reader = await till.reader()
    async with aclosing(_follow(reader)) as batches:
        async for batch in batches:
            assert batch[0].position == 1
            break


def _follow(reader: Reader) -> AsyncGenerator[Sequence[Delivered], None]:
    return reader.follow(START)


async def _is(value: bool) -> bool:
    return value
