"""Who listens: every subscription by itself, whichever connection or server it is at."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from bus import subjects
from bus.broker import listeners
from bus.broker.memory import MemoryBroker
from bus.broker.port import Broker, BrokerUnavailable, Request, Subscriber
from bus.embedded import NatsCluster
from tests.contract.broker.conftest import NatsNet, Net
from tests.contract.broker.waiting import until


def nothing(_: Request) -> None:
    pass


def heard(found: Collection[Subscriber]) -> list[str]:
    return sorted(one.subject for one in found)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("live.a.b", "live.a.b", True),
        ("live.a.b", "live.a.c", False),
        ("live.a.>", "live.a.b.c", True),
        ("live.a.>", "live.a", False),
        ("live.*.b", "live.a.>", True),
        ("*.*.b", "live.a.*", True),
        ("live.*", "live.a.b", False),
        (">", "live.a.b", True),
        ("evt.>", "live.>", False),
    ],
)
def test_patterns_overlap_where_a_subject_matches_both(one: str, other: str, both: bool) -> None:
    assert subjects.overlap(one, other) is both
    assert subjects.overlap(other, one) is both


async def test_whoever_listens_to_some_of_it_is_found(net: Net) -> None:
    asking, other = await net.broker(), await net.broker()
    at = f"live.{net.domain}"
    patterns = [f"{at}.o-1", f"{at}.*", f"{at}.>", f"*.{net.domain}.o-2"]
    for pattern in (*patterns, "live.nobody.o-1", at, f"qry.{net.domain}.>"):
        await other.subscribe(pattern, nothing)
    assert heard(await asking.listeners(f"{at}.>")) == sorted(patterns)


async def test_each_subscription_is_another_also_to_the_same_subject(net: Net) -> None:
    asking, other = await net.broker(), await net.broker()
    subject = f"live.{net.domain}.o-1"
    assert not await asking.listeners(subject)
    await other.subscribe(subject, nothing)
    (first,) = await asking.listeners(subject)
    assert set(await asking.listeners(subject)) == {first}
    second = await other.subscribe(subject, nothing, queue="q")
    third = await asking.subscribe(subject, nothing)
    found = set(await asking.listeners(subject))
    assert len(found) == 3
    assert first in found
    await second.stop()
    await third.stop()
    assert set(await asking.listeners(subject)) == {first}


async def test_whoever_connects_again_is_somebody_else(net: Net) -> None:
    asking, other = await net.broker(), await net.broker()
    subject = f"live.{net.domain}.o-1"
    await other.subscribe(subject, nothing)
    (before,) = await asking.listeners(subject)
    await net.break_connection(other)
    (after,) = await asking.listeners(subject)
    assert after != before
    assert after.subject == subject


async def test_what_is_published_after_the_answer_reaches_them(net: Net) -> None:
    asking, other = await net.broker(), await net.broker()
    seen: list[bytes] = []
    subject = f"live.{net.domain}.o-1"
    await other.subscribe(subject, lambda request: seen.append(request.body))
    assert await asking.listeners(subject)
    await asking.publish(subject, b"row")
    await until(lambda: seen == [b"row"])


async def test_without_a_connection_nobody_knows(net: Net) -> None:
    broker = await net.broker()
    await broker.close()
    with pytest.raises(BrokerUnavailable):
        await broker.listeners(f"live.{net.domain}.>")


async def test_more_connections_than_one_answer_holds(
    nats_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "LIMIT", 2)
    asking = await nats_net.broker()
    subject = f"live.{nats_net.domain}.o-1"
    for count in range(1, 6):
        await (await nats_net.broker()).subscribe(subject, nothing)
        assert len(await asking.listeners(subject)) == count


async def test_a_server_that_is_silent_for_a_moment_is_not_forgotten_at_once(
    nats_net: NatsNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "PATIENCE", 0.5)
    asking = await nats_net.broker()
    subject = f"live.{nats_net.domain}.o-1"
    await asking.subscribe(subject, nothing)
    (own,) = await asking.listeners(subject)
    silent = own._replace(server="silent")
    kept = asking._listeners[subject]  # type: ignore[attr-defined]
    kept._awaited.add("silent")
    kept._heard["silent"] = asyncio.get_running_loop().time()
    kept._said["silent"] = frozenset({silent})
    assert set(await asking.listeners(subject)) == {own, silent}
    kept._heard["silent"] -= listeners.GONE
    assert set(await asking.listeners(subject)) == {own}


async def test_every_server_of_a_cluster_tells_of_its_own(nats_cluster: NatsCluster) -> None:
    nets = [NatsNet(server) for server in nats_cluster.servers]
    subject = f"live.{nets[0].domain}.o-1"
    seen: list[int] = []
    try:
        brokers: list[Broker] = [await net.broker() for net in nets]
        for number, broker in enumerate(brokers):
            await broker.subscribe(subject, lambda _, number=number: seen.append(number))  # type: ignore[misc]
        found = await brokers[0].listeners(subject)
        assert len(found) == len({one.server for one in found}) == len(nets)
        await brokers[0].publish(subject, b"row")
        await until(lambda: sorted(seen) == [*range(len(nets))])
    finally:
        for net in nets:
            await net.close()


async def test_a_broken_connection_is_told_from_one_that_is_there(memory_net: Net) -> None:
    broker = await memory_net.broker()
    assert isinstance(broker, MemoryBroker)
    broker.disconnect()
    with pytest.raises(BrokerUnavailable):
        await broker.listeners("live.>")
