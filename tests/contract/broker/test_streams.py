"""Publishing runs: every event at its own number, once, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from bus.broker.nats import NatsBroker
from bus.broker.port import (
    Broker,
    BrokerUnavailable,
    MessageTooLarge,
    Outgoing,
    StreamMissing,
    StreamState,
    WrongSequence,
)
from bus.broker.streams import StreamSettings
from tests.contract.broker.conftest import CrashingNet, NatsNet, Net
from tests.contract.broker.waiting import Reading, begin, contents, events, until


async def test_a_run_is_stored_in_order_at_its_own_numbers(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 3)
    await broker.publish_run(net.domain, 3, events(net.domain, 4, 5))
    assert await broker.stream_state(net.domain) == StreamState(1, 5)
    assert await contents(broker, net.domain) == [(n, b"event %d" % n) for n in range(1, 6)]


@pytest.mark.parametrize("after", [0, 1, 2, 4, 400])
async def test_a_run_that_does_not_follow_on_is_refused_whole(net: Net, after: int) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 3)
    with pytest.raises(WrongSequence) as refused:
        await broker.publish_run(net.domain, after, events(net.domain, 9, 9))
    assert refused.value.last == 3
    assert await contents(broker, net.domain) == [(n, b"event %d" % n) for n in (1, 2, 3)]


async def test_a_repeated_run_is_refused(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 3)
    with pytest.raises(WrongSequence) as refused:
        await broker.publish_run(net.domain, 0, events(net.domain, 1, 3))
    assert refused.value.last == 3
    assert (await broker.stream_state(net.domain)).last == 3


async def test_a_run_whose_first_has_no_place_is_refused_though_others_may_follow_on(
    net: Net,
) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 3)
    with pytest.raises(WrongSequence) as refused:
        await broker.publish_run(net.domain, 1, events(net.domain, 2, 6))
    assert refused.value.last == 6
    assert await contents(broker, net.domain) == [(n, b"event %d" % n) for n in range(1, 7)]


async def test_two_who_publish_the_same_at_once_store_it_once(net: Net) -> None:
    one, other = await net.broker(), await net.broker()
    await begin(one, net.domain, 0)

    lasts: list[int] = []

    async def publish(broker: Broker) -> None:
        for after in range(0, 1500, 50):
            try:
                await broker.publish_run(
                    net.domain, after, events(net.domain, after + 1, after + 50)
                )
            except WrongSequence as ahead:
                lasts.append(ahead.last - after)

    await asyncio.gather(publish(one), publish(other))
    assert all(last >= 50 for last in lasts)
    assert await contents(one, net.domain) == [(n, b"event %d" % n) for n in range(1, 1501)]


async def test_a_stream_can_begin_anywhere(net: Net) -> None:
    broker = await net.broker()
    assert await broker.ensure_stream(net.domain, first=101) == StreamState(101, 100)
    await broker.publish_run(net.domain, 100, events(net.domain, 101, 102))
    assert await broker.stream_state(net.domain) == StreamState(101, 102)
    assert [n for n, _ in await contents(broker, net.domain)] == [101, 102]


async def test_a_stream_that_is_there_stays_as_it_is(net: Net) -> None:
    broker = await net.broker()
    assert await broker.ensure_stream(net.domain) == StreamState(1, 0)
    await broker.publish_run(net.domain, 0, events(net.domain, 1, 2))
    assert await broker.ensure_stream(net.domain, first=50) == StreamState(1, 2)


async def test_a_stream_that_is_not_there_is_missed(net: Net) -> None:
    broker = await net.broker()
    with pytest.raises(StreamMissing):
        await broker.stream_state(net.domain)
    with pytest.raises(StreamMissing):
        await broker.stream_get(net.domain, 1)
    with pytest.raises(StreamMissing):
        await broker.publish_run(net.domain, 0, events(net.domain, 1, 1))
    async with Reading(broker, net.domain) as reading:
        with pytest.raises(StreamMissing):
            await reading.batch()


async def test_a_deleted_stream_can_be_filled_again_from_any_number(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 5)
    await broker.delete_stream(net.domain)
    await broker.delete_stream(net.domain)
    assert await broker.ensure_stream(net.domain, first=3) == StreamState(3, 2)
    await broker.publish_run(net.domain, 2, events(net.domain, 3, 5))
    assert await broker.stream_get(net.domain, 4) == b"event 4"


async def test_single_events_can_be_looked_up(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 3)
    await net.delete_message(2)
    assert await broker.stream_get(net.domain, 1) == b"event 1"
    assert await broker.stream_get(net.domain, 2) is None
    assert await broker.stream_get(net.domain, 4) is None
    assert await broker.stream_state(net.domain) == StreamState(1, 3, holes=1)


async def test_bytes_come_back_as_they_went(net: Net) -> None:
    broker = await net.broker()
    await broker.ensure_stream(net.domain)
    bodies = [b"", b"\r\nPUB x 0\r\n\r\n", bytes(range(256)), b"\xff" * 900_000]
    subject = f"evt.{net.domain}.order.o-1.OrderPlaced"
    await broker.publish_run(net.domain, 0, [Outgoing(subject, body) for body in bodies])
    assert [body for _, body in await contents(broker, net.domain)] == bodies
    assert await broker.stream_get(net.domain, 4) == bodies[3]


async def test_events_are_kept_by_type_and_watched_by_entity(net: Net) -> None:
    broker = await net.broker()
    watched: list[str] = []
    await broker.subscribe(
        f"evt.{net.domain}.*.o-1.>", lambda request: watched.append(request.subject)
    )
    await begin(broker, net.domain, 2)
    async with Reading(broker, net.domain) as reading:
        kept = await reading.batch()
    assert kept[0].subject == f"evt.{net.domain}.OrderPlaced"
    await until(lambda: bool(watched))
    assert watched == [f"evt.{net.domain}.order.o-1.OrderPlaced"]


async def test_nothing_enters_a_stream_by_the_subjects_that_it_keeps(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 1)
    await broker.publish(f"evt.{net.domain}.OrderPlaced", b"forged")
    await broker.publish(f"evt.{net.domain}.order.o-1.OrderPlaced.more", b"forged")
    await broker.publish_run(net.domain, 1, events(net.domain, 2, 2))
    assert await contents(broker, net.domain) == [(1, b"event 1"), (2, b"event 2")]


async def test_an_event_that_is_too_large_is_refused_before_anything_is_sent(
    net: Net,
) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 1)
    subject = f"evt.{net.domain}.order.o-1.OrderPlaced"
    run = [Outgoing(subject, b"small"), Outgoing(subject, bytes(broker.max_payload))]
    with pytest.raises(MessageTooLarge):
        await broker.publish_run(net.domain, 1, run)
    assert (await broker.stream_state(net.domain)).last == 1
    assert broker.reconnects == 0


async def test_twenty_thousand_events_are_read_in_order(net: Net) -> None:
    broker = await net.broker()
    await begin(broker, net.domain, 20_000)
    found = await contents(broker, net.domain)
    assert found == [(n, b"event %d" % n) for n in range(1, 20_001)]


async def test_a_setting_that_has_changed_reaches_a_living_stream(
    nats_net: NatsNet,
) -> None:
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 5)
    trimming = NatsBroker(nats_net.server.url, streams=StreamSettings(max_msgs=2))
    await trimming.open()
    await trimming.ensure_stream(nats_net.domain)
    await trimming.close()
    assert await broker.stream_state(nats_net.domain) == StreamState(4, 5)


async def test_a_stream_can_keep_the_subjects_that_people_watch(nats_net: NatsNet) -> None:
    broker = NatsBroker(nats_net.server.url, streams=StreamSettings(by_entity=True))
    await broker.open()
    await begin(broker, nats_net.domain, 1)
    async with Reading(broker, nats_net.domain) as reading:
        kept = await reading.batch()
    assert kept[0].subject == f"evt.{nats_net.domain}.order.o-1.OrderPlaced"
    await broker.close()


async def test_a_lost_tail_is_published_again_at_the_same_numbers(
    crashing: CrashingNet,
) -> None:
    broker = await crashing.broker()
    domain = crashing.domain
    await begin(broker, domain, 5)
    await crashing.keep_a_copy()
    await until(lambda: broker.reconnects == 1)
    await broker.publish_run(domain, 5, events(domain, 6, 10))
    async with Reading(broker, domain) as reading:
        assert await reading.sequences(10) == list(range(1, 11))
        await crashing.go_back_to_the_copy()
        await until(lambda: broker.reconnects == 2)
        with pytest.raises(WrongSequence) as behind:
            await broker.publish_run(domain, 10, events(domain, 11, 12))
        assert behind.value.last == 5
        await broker.publish_run(domain, 5, events(domain, 6, 12))
        assert await reading.sequences(2) == [11, 12]
    assert await contents(broker, domain) == [(n, b"event %d" % n) for n in range(1, 13)]


async def test_while_the_server_is_away_everything_says_so(crashing: CrashingNet) -> None:
    broker = await crashing.broker()
    await begin(broker, crashing.domain, 1)
    crashing.server.kill()
    with pytest.raises(BrokerUnavailable):
        await broker.publish_run(crashing.domain, 1, events(crashing.domain, 2, 2))
    with pytest.raises(BrokerUnavailable):
        await broker.publish("hint.orders", b"")
    with pytest.raises(BrokerUnavailable):
        await broker.request("qry.orders.get", timeout=0.1)
    await crashing.server.start()
    await until(lambda: broker.reconnects == 1)
    assert (await broker.stream_state(crashing.domain)).last == 1
