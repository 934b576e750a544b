"""The stream becomes what the store is, whatever has happened to it; or the relay stops."""

from __future__ import annotations

import asyncio

import pytest

from bus import subjects
from bus.relay import StreamDiverged
from bus.store.port import Append
from tests.contract.way.conftest import Till
from tests.contract.way.till_events import append, deposited


async def test_what_is_in_the_store_gets_its_own_number_in_the_stream(till: Till) -> None:
    await append(till.store, 30)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(till.stream_equals_store)
    assert relay.published == 30
    assert relay.idle


async def test_own_commits_are_handed_straight_on(till: Till) -> None:
    relay = await till.relay()
    till.start(relay.run())
    for _ in range(5):
        await append(till.store, 3)
        relay.committed((await till.store.read(0, 100))[-3:])
    await till.until(till.stream_equals_store)


async def test_commits_of_other_processes_in_between_are_read_from_the_store(till: Till) -> None:
    await append(till.store, 4)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(lambda: _is(relay.published == 4))
    await append(till.store, 4)
    fifth, sixth, _, eighth = await till.store.read(4, 4)
    relay.committed([fifth, sixth])
    relay.committed([eighth])
    await till.until(till.stream_equals_store)


async def test_a_hint_from_another_process_makes_it_look(till: Till) -> None:
    relay = await till.relay()
    till.start(relay.run())
    await till.until(lambda: _is(relay.idle))
    await append(till.store, 3)
    for _ in range(3):  # late, early or double: a hint carries nothing
        await till.broker.publish(subjects.hint("till"), b"")
    await till.until(till.stream_equals_store)


async def test_a_lost_tail_is_written_again(till: Till) -> None:
    await append(till.store, 30)
    await till.damage.lose_tail(till.store, 12)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(till.stream_equals_store)
    assert relay.rebuilt == 0


async def test_a_stream_that_vanishes_while_it_runs_is_made_again(till: Till) -> None:
    await append(till.store, 10)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(till.stream_equals_store)
    await till.damage.delete()
    await append(till.store, 1)
    relay.committed(await till.store.read(10, 1))
    await till.until(till.stream_equals_store)


async def test_a_trimmed_stream_stays_trimmed(till: Till) -> None:
    await append(till.store, 20)
    await till.damage.write(till.store, 20)
    await till.damage.trim(15)
    await append(till.store, 5)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(till.stream_equals_store)
    assert (await till.broker.stream_state("till")).first == 15


async def test_a_stream_that_was_emptied_goes_on_at_its_number(till: Till) -> None:
    await append(till.store, 20)
    await till.damage.write(till.store, 20)
    await till.damage.trim(21)
    await append(till.store, 5)
    till.start((await till.relay()).run())
    await till.until(till.stream_equals_store)
    assert (await till.broker.stream_state("till")).first == 21


async def test_a_reported_hole_makes_the_stream_again_from_where_it_began(till: Till) -> None:
    await append(till.store, 30)
    await till.damage.write(till.store, 30)
    await till.damage.trim(5)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(lambda: _is(relay.idle))
    await till.damage.lose_message(17)
    await till.broker.publish(subjects.hole("till"), b'{"position":17}')
    await till.until(till.stream_equals_store)
    assert relay.rebuilt == 1
    assert (await till.broker.stream_state("till")).first == 5


async def test_a_hole_that_the_server_knows_of_is_noticed_without_a_report(till: Till) -> None:
    await append(till.store, 30)
    await till.damage.write(till.store, 30)
    await till.damage.lose_message(17)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(till.stream_equals_store)
    assert relay.rebuilt == 1


@pytest.mark.parametrize("report", [b'{"position":3}', b'{"position":999}', b"nonsense", b""])
async def test_a_false_report_changes_nothing(till: Till, report: bytes) -> None:
    await append(till.store, 10)
    relay = await till.relay()
    till.start(relay.run())
    await till.until(till.stream_equals_store)
    await till.broker.publish(subjects.hole("till"), report)
    await append(till.store, 1)
    await till.broker.publish(subjects.hint("till"), b"")
    await till.until(till.stream_equals_store)
    assert relay.rebuilt == 0


async def test_a_last_message_that_was_deleted_is_noticed_at_the_start(till: Till) -> None:
    await append(till.store, 10)
    await till.damage.write(till.store, 10)
    await till.damage.lose_message(10)
    till.start((await till.relay()).run())
    await till.until(till.stream_equals_store)


async def test_other_bytes_at_the_stream_s_end_stop_it_with_a_sentence(till: Till) -> None:
    await append(till.store, 10)
    await till.damage.write(till.store, 7)
    await till.damage.put(8, b'{"not":"ours"}')
    relay = await till.relay()
    with pytest.raises(StreamDiverged, match=r"TILL .* position 8: .* trueup repair till"):
        await asyncio.wait_for(relay.run(), 20)
    assert (await till.broker.stream_state("till")).last == 8


async def test_a_stream_ahead_of_the_store_stops_it_with_a_sentence(till: Till) -> None:
    await append(till.store, 3)
    await till.damage.write(till.store, 3)
    await till.damage.put(4, deposited("t-4", 1).body)
    relay = await till.relay()
    with pytest.raises(StreamDiverged, match=r"goes on to 4, the store ends at 3.*trueup repair"):
        await asyncio.wait_for(relay.run(), 20)


async def test_what_is_written_around_a_running_relay_stops_it(till: Till) -> None:
    await append(till.store, 3)
    relay = await till.relay()
    running = till.start(relay.run())
    await till.until(till.stream_equals_store)
    await till.damage.put(4, b'{"not":"ours"}')
    await append(till.store, 2)
    relay.committed(await till.store.read(3, 2))
    with pytest.raises(StreamDiverged, match="position 4"):
        await asyncio.wait_for(running, 20)


async def test_two_relays_at_once_leave_the_stream_equal_to_the_store(till: Till) -> None:
    relays = [await till.relay() for _ in range(2)]
    for relay in relays:
        till.start(relay.run())
    for round in range(20):
        await append(till.store, 7)
        fresh = await till.store.read(round * 7, 7)
        for relay in relays:
            relay.committed(fresh)
    await till.until(till.stream_equals_store)
    assert (await till.store.head()).position == 140


async def test_large_runs_and_large_events_arrive(till: Till) -> None:
    first = [deposited(f"big-{n}", 1) for n in range(4500)]
    await till.store.append(Append(expected={event.key: 0 for event in first}, events=first))
    relay = await till.relay()
    till.start(relay.run())
    await till.until(lambda: _is(relay.published == 4500))
    last = await till.store.read(4499, 1)
    assert await till.broker.stream_get("till", 4500) == last[0].body


async def _is(value: bool) -> bool:
    return value
