"""Streams that three servers hold: a reader's consumer sits on any of them, also one behind.

A replica that is behind can't be had at will. So here a consumer is held back and said to have
nothing, or begins too early: that is what such a replica makes of it (2.15).
"""

from __future__ import annotations

import asyncio
import json

import pytest

from bus.broker import ephemeral, pulls, stream_end, stream_reader
from bus.broker.connection import Connection
from bus.broker.ephemeral import Ephemeral
from bus.broker.port import BrokerUnavailable, StreamState, WrongSequence
from bus.broker.streams import Streams
from tests.contract.broker.conftest import NatsNet
from tests.contract.broker.waiting import BOUND, Reading, begin, contents, events, until


class Behind:
    """The next consumers of a net are held back until `go_on`."""

    def __init__(self, net: NatsNet) -> None:
        self._net = net
        self._make = ephemeral.create
        self._held = True
        self.made: list[str] = []

    async def create(self, connection: Connection, stream: str, after: int) -> Ephemeral:
        made = await self._make(connection, stream, after)
        if self._held:
            await self._pause(made.name, "2100-01-01T00:00:00Z")
            self.made.append(made.name)
        return made._replace(pending=0) if self._held else made

    async def go_on(self) -> None:
        self._held = False
        await self._pause(self.made[-1], "2000-01-01T00:00:00Z")

    async def _pause(self, name: str, until: str) -> None:
        consumer = f"{self._net.domain.upper()}.{name}"
        question = json.dumps({"pause_until": until}).encode()
        answer = json.loads(await self._net.api(f"CONSUMER.PAUSE.{consumer}", question))
        async with asyncio.timeout(BOUND):  # the consumer's own server hears of it later
            while await self._paused(consumer) != answer.get("paused"):
                pass

    async def _paused(self, consumer: str) -> bool | None:
        """None where the consumer was left already, and another one made."""
        info = json.loads(await self._net.api(f"CONSUMER.INFO.{consumer}"))
        return None if "error" in info else bool(info.get("paused"))


@pytest.fixture
def behind(cluster_net: NatsNet, monkeypatch: pytest.MonkeyPatch) -> Behind:
    found = Behind(cluster_net)
    monkeypatch.setattr(ephemeral, "create", found.create)
    return found


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the leader has said, each time it was asked whether there is more."""
    said: list[bool] = []
    ask = Streams.holds_more

    async def holds_more(streams: Streams, name: str, after: int) -> bool:
        said.append(await ask(streams, name, after))
        return said[-1]

    monkeypatch.setattr(Streams, "holds_more", holds_more)
    return said


async def test_the_end_of_a_replica_is_not_the_end(
    cluster_net: NatsNet, behind: Behind, answers: list[bool]
) -> None:
    broker = await cluster_net.broker()
    await begin(broker, cluster_net.domain, 10)
    async with Reading(broker, cluster_net.domain) as reading:
        first = asyncio.create_task(reading.batch())
        await until(lambda: bool(answers))
        assert not first.done()
        await behind.go_on()
        assert (await first)[0].sequence == 1
        await reading.sequences(10 - len(first.result()))
        assert list(await reading.batch()) == []
    assert (answers[0], answers[-1]) == (True, False)


async def test_a_replica_that_never_catches_up_is_left(
    cluster_net: NatsNet, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "SILENCE", 0.2)
    broker = await cluster_net.broker()
    await begin(broker, cluster_net.domain, 10)
    async with Reading(broker, cluster_net.domain) as reading:
        waiting = asyncio.create_task(reading.batch())
        await until(lambda: len(behind.made) > 1)
        await behind.go_on()
        assert (await waiting)[0].sequence == 1


async def test_a_replica_that_is_not_at_the_checkpoint_is_read_until_it_is(
    cluster_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ephemeral.create

    async def early(connection: Connection, stream: str, after: int) -> Ephemeral:
        return await create(connection, stream, 0)

    monkeypatch.setattr(ephemeral, "create", early)
    broker = await cluster_net.broker()
    await begin(broker, cluster_net.domain, 2000)
    async with Reading(broker, cluster_net.domain, after=1990, batch=10) as reading:
        assert await reading.sequences(10) == list(range(1991, 2001))


async def test_what_arrives_does_not_wait_for_a_leader(
    cluster_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = asyncio.Event()

    async def no_leader(streams: Streams, name: str, after: int) -> bool:
        asking.set()
        await asyncio.Event().wait()
        raise AssertionError

    broker = await cluster_net.broker()
    await begin(broker, cluster_net.domain, 3)
    monkeypatch.setattr(Streams, "holds_more", no_leader)
    async with Reading(broker, cluster_net.domain) as reading:
        assert await reading.sequences(3) == [1, 2, 3]
        waiting = asyncio.create_task(reading.batch())
        await asyncio.wait_for(asking.wait(), 5)
        await broker.publish_run(cluster_net.domain, 3, events(cluster_net.domain, 4, 4))
        assert [message.sequence for message in await waiting] == [4]


async def test_without_a_leader_the_end_is_not_known(
    cluster_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_reader, "_TICK", 0.01)
    monkeypatch.setattr(stream_end, "APART", 0.0)
    elections = [1, 2]

    async def between_leaders(streams: Streams, name: str, after: int) -> bool:
        if elections:
            raise BrokerUnavailable(f"no leader in term {elections.pop()}")
        return False

    monkeypatch.setattr(Streams, "holds_more", between_leaders)
    broker = await cluster_net.broker()
    await begin(broker, cluster_net.domain, 0)
    async with Reading(broker, cluster_net.domain) as reading:
        assert list(await reading.batch()) == []
    assert elections == []


async def test_one_server_is_not_asked(nats_net: NatsNet, answers: list[bool]) -> None:
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 3)
    async with Reading(broker, nats_net.domain) as reading:
        await reading.sequences(3)
        assert list(await reading.batch()) == []
    assert answers == []


@pytest.mark.parametrize("astray", [1, 2], ids=["the first message", "all messages"])
async def test_what_goes_nowhere_because_a_stream_is_new_is_sent_again(
    nats_net: NatsNet, monkeypatch: pytest.MonkeyPatch, astray: int
) -> None:
    send = Connection.send
    sent: list[bytes] = []

    def send_astray(connection: Connection, data: bytes) -> None:
        if b"Nats-Expected-Last-Sequence" in data:
            # A run goes in two writes, its first message by itself.
            sent.append(data)
            data = data.replace(b"PUB evt.", b"PUB lost.") if len(sent) <= astray else data
        send(connection, data)

    monkeypatch.setattr(Connection, "send", send_astray)
    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 3)
    assert len(sent) == 4
    assert await contents(broker, nats_net.domain) == [(n, b"event %d" % n) for n in (1, 2, 3)]


async def test_a_refusal_tells_the_last_number_also_while_replicas_store_it(
    nats_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Streams.state
    looks: list[int] = []

    async def behind(streams: Streams, name: str) -> StreamState:
        found = await state(streams, name)
        looks.append(found.last)
        return found if len(looks) > 2 else found._replace(last=2)

    broker = await nats_net.broker()
    await begin(broker, nats_net.domain, 3)
    monkeypatch.setattr(Streams, "state", behind)
    with pytest.raises(WrongSequence) as refused:
        await broker.publish_run(nats_net.domain, 2, events(nats_net.domain, 3, 3))
    assert refused.value.last == 3
