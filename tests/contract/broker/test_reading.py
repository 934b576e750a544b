"""Reading a stream: in order, from anywhere, for ever, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bus.broker import pulls, stream_reader
from bus.broker.nats import NatsBroker
from bus.broker.port import BrokerUnavailable, Outgoing, StreamMessage, StreamMissing
from tests.contract.broker.conftest import CrashingNet, NatsNet, Net
from tests.contract.broker.waiting import BOUND, Reading, begin, contents, events


async def test_an_empty_stream_gives_an_empty_batch_and_then_what_comes(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 0)
    async with Reading(broker, net.domain) as reading:
        assert await reading.batch() == ()
        waiting = asyncio.create_task(reading.batch())
        await broker.publish_run(net.domain, 0, events(net.domain, 1, 1))
        assert [message.body for message in await waiting] == [b"event 1"]
        assert list(await reading.batch()) == []
        await broker.publish_run(net.domain, 1, events(net.domain, 2, 2))
        assert [message.sequence for message in await reading.batch()] == [2]


async def test_the_end_is_told_once_each_time_it_is_reached(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 3)
    async with Reading(broker, net.domain) as reading:
        assert await reading.sequences(3) == [1, 2, 3]
        assert list(await reading.batch()) == []
        following = asyncio.create_task(reading.batch())
        await broker.stream_state(net.domain)  # some way to the server and back
        assert not following.done()
        await broker.publish_run(net.domain, 3, events(net.domain, 4, 4))
        assert [message.sequence for message in await following] == [4]


async def test_batches_are_no_larger_than_asked(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 25)
    async with Reading(broker, net.domain, batch=10) as reading:
        found: list[StreamMessage] = []
        while len(found) < 25:
            batch = await reading.batch()
            assert 1 <= len(batch) <= 10
            found += batch
    assert [message.sequence for message in found] == list(range(1, 26))


async def test_reading_begins_behind_the_checkpoint(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 5)
    async with Reading(broker, net.domain, after=3) as reading:
        assert await reading.sequences(2) == [4, 5]
    async with Reading(broker, net.domain, after=5) as reading:
        assert list(await reading.batch()) == []
    async with Reading(broker, net.domain, after=7) as reading:
        assert list(await reading.batch()) == []
        await broker.publish_run(net.domain, 5, events(net.domain, 6, 9))
        assert await reading.sequences(2) == [8, 9]


async def test_a_hole_shows_as_numbers_that_skip(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 6)
    for sequence in (1, 3, 4):
        await net.delete_message(sequence)
    async with Reading(broker, net.domain) as reading:
        assert await reading.sequences(3) == [2, 5, 6]


async def test_a_hole_at_the_end_is_no_reason_to_wait(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 3)
    await net.delete_message(3)
    async with Reading(broker, net.domain) as reading:
        assert await reading.sequences(2) == [1, 2]
        assert list(await reading.batch()) == []
        await broker.publish_run(net.domain, 3, events(net.domain, 4, 4))
        assert await reading.sequences(1) == [4]


async def test_trimmed_history_is_where_reading_begins(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 9)
    await net.trim(7)
    assert (await broker.stream_state(net.domain)).first == 7
    async with Reading(broker, net.domain, after=2) as reading:
        assert await reading.sequences(3) == [7, 8, 9]


async def test_readers_do_not_disturb_each_other(net: Net) -> None:
    one, other = await net.broker(), await net.broker()
    await begin(one, net.domain, 3000)
    async with (
        Reading(one, net.domain, batch=7) as first,
        Reading(one, net.domain, after=1000) as second,
        Reading(other, net.domain) as third,
    ):
        found = await asyncio.gather(
            first.sequences(3000), second.sequences(2000), third.sequences(3000)
        )
    assert list(found) == [list(range(1, 3001)), list(range(1001, 3001)), list(range(1, 3001))]


async def test_a_broken_connection_neither_loses_nor_doubles(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "SILENCE", 3600)  # not by way of that
    reader, writer = await net.broker(), await net.broker()
    await begin(writer, net.domain, 2000)
    async with Reading(reader, net.domain, batch=100) as reading:
        found = await reading.sequences(100)
        for turn in range(3):
            await net.break_connection(reader)
            await writer.publish_run(
                net.domain, 2000 + turn * 10, events(net.domain, 2001 + turn * 10, 2010 + turn * 10)
            )
            found += await reading.sequences(300)
        found += await reading.sequences(2030 - len(found))
    assert found == list(range(1, 2031))
    assert reader.reconnects == 3


async def test_when_the_stream_goes_the_reader_says_so(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 2)
    async with Reading(broker, net.domain) as reading:
        assert await reading.sequences(2) == [1, 2]
        assert list(await reading.batch()) == []
        waiting = asyncio.create_task(reading.batch())
        await asyncio.sleep(0)
        await broker.delete_stream(net.domain)
        with pytest.raises(StreamMissing):
            await waiting


async def test_when_the_broker_is_closed_reading_ends(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 0)
    async with Reading(broker, net.domain) as reading:
        await reading.batch()
        waiting = asyncio.create_task(reading.batch())
        await asyncio.sleep(0)
        await broker.close()
        with pytest.raises(BrokerUnavailable):
            await waiting


async def test_a_reader_can_be_cancelled_while_it_waits(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 1)
    reading = Reading(broker, net.domain)
    await reading.batch()
    await reading.batch()
    waiting = asyncio.create_task(reading.batch())
    await asyncio.sleep(0.01)  # nothing tells that it waits
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await reading.close()
    assert len(await contents(broker, net.domain)) == 1


async def consumers(net: NatsNet) -> list[str]:
    names = json.loads(await net.api(f"CONSUMER.NAMES.{net.domain.upper()}"))["consumers"]
    return names or []


async def test_a_reader_that_is_closed_leaves_nothing_behind(nats_net: NatsNet) -> None:
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 5)
    subscriptions = len(wire(broker)._listeners)
    async with Reading(broker, nats_net.domain) as reading:
        await reading.batch()
        assert len(await consumers(nats_net)) == 1
        assert len(wire(broker)._listeners) == subscriptions + 1
    async with asyncio.timeout(BOUND):
        while await consumers(nats_net):  # the server deletes in its own time
            pass
    assert len(wire(broker)._listeners) == len(wire(broker)._subs) == subscriptions


async def test_a_consumer_that_is_deleted_is_made_again(nats_net: NatsNet) -> None:
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 5)
    async with Reading(broker, nats_net.domain) as reading:
        assert await reading.sequences(5) == [1, 2, 3, 4, 5]
        for consumer in await consumers(nats_net):
            await nats_net.api(f"CONSUMER.DELETE.{nats_net.domain.upper()}.{consumer}")
        await broker.publish_run(nats_net.domain, 5, events(nats_net.domain, 6, 7))
        assert await reading.sequences(2) == [6, 7]


async def test_a_consumer_that_gives_heartbeats_only_is_given_up(
    nats_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 3000)
    async with Reading(broker, nats_net.domain, batch=10) as reading:
        found = await reading.sequences(10)
        for consumer in await consumers(nats_net):
            pause = b'{"pause_until":"2100-01-01T00:00:00Z"}'
            verb = f"CONSUMER.PAUSE.{nats_net.domain.upper()}.{consumer}"
            assert b'"paused":true' in await nats_net.api(verb, pause)
        found += await reading.sequences(2990)
    assert found == list(range(1, 3001))


async def test_a_silent_server_is_asked_again(
    nats_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 1)
    async with Reading(broker, nats_net.domain) as reading:
        assert await reading.sequences(1) == [1]
        number = max(wire(broker)._listeners)
        wire(broker).send(b"UNSUB %d\r\n" % number)  # as if the server had forgotten it
        await broker.publish_run(nats_net.domain, 1, events(nats_net.domain, 2, 2))
        assert await reading.sequences(1) == [2]


async def test_a_message_that_gets_lost_on_the_way_is_read_again(nats_net: NatsNet) -> None:
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 2000)
    before = len(wire(broker)._listeners)
    async with Reading(broker, nats_net.domain, batch=10) as reading:
        found = await reading.sequences(10)
        number = max(wire(broker)._listeners)
        listener = wire(broker)._listeners[number]
        arrived = 0

        def leaky(subject: bytes, reply: bytes, body: bytes, headers: bytes | None) -> None:
            nonlocal arrived
            arrived += 1
            if arrived % 50:
                listener(subject, reply, body, headers)

        wire(broker)._listeners[number] = leaky
        found += await reading.sequences(1990)
    assert found == list(range(1, 2001))
    assert len(wire(broker)._listeners) == before


async def test_events_too_large_for_one_pull_are_read_in_several(
    nats_net: NatsNet,
) -> None:
    broker = await nats_net.broker()
    await broker.ensure_stream(nats_net.domain)
    subject = f"evt.{nats_net.domain}.order.o-1.OrderPlaced"
    run = [Outgoing(subject, bytes(500_000))] * 100
    await broker.publish_run(nats_net.domain, 0, run)
    async with Reading(broker, nats_net.domain) as reading:
        found = [message.sequence for message in await reading.batch()]
        found += await reading.sequences(100 - len(found))
    assert found == list(range(1, 101))


async def test_a_killed_server_is_waited_for(crashing: CrashingNet) -> None:
    broker = await crashing.broker()
    await begin(broker, crashing.domain, 2000)
    async with Reading(broker, crashing.domain, batch=100) as reading:
        found = await reading.sequences(300)
        for _ in range(2):
            await crashing.crash_under(broker)
            found += await reading.sequences(300)
        found += await reading.sequences(2000 - len(found))
        last = (await broker.stream_state(crashing.domain)).last
        await broker.publish_run(crashing.domain, last, events(crashing.domain, 2001, 2001))
        found += await reading.sequences(1)
    assert found == list(range(1, 2002))


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulls, "_HEARTBEAT", 0.1)
    monkeypatch.setattr(pulls, "SILENCE", 0.5)
    monkeypatch.setattr(stream_reader, "_TICK", 0.1)


def wire(broker: object) -> Any:
    assert isinstance(broker, NatsBroker)
    return broker._connection.wire
