"""Live queries: whoever listens to a row hears of each change of it, once and in order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec.structs import replace as changed

from bus.broker.memory import MemoryBroker
from bus.broker.nats import NatsBroker
from bus.broker.port import Broker, Request
from bus.testing.ground import RealGround
from bus.views import rebuild, shadow
from bus.views.worker import ViewWorker
from tests.contract.views.sample import BILLS, Billed, Row
from tests.contract.views.sample import keys as bill_keys
from tests.contract.views.sample import row as debt
from tests.contract.views.scene import Scene, written
from tests.contract.views.test_rebuild import alter


class Message(NamedTuple):
    key: str
    why: str
    owed: int | None


class Ear:
    """Somebody who listens, on a connection of his own."""

    def __init__(self, scene: Scene, broker: Broker) -> None:
        self.broker = broker
        self.heard: list[Message] = []
        self.headers: list[Mapping[str, str]] = []
        self._scene = scene

    def take(self, request: Request) -> None:
        row = msgspec.json.decode(request.body)
        key = request.subject.removeprefix("live.debts.")
        why = request.headers["Live-Row"]
        self.heard.append(Message(key, why, None if row is None else row["owed"]))
        self.headers.append(request.headers)

    def owed(self, key: str = "b-1") -> Sequence[int | None]:
        return [message.owed for message in self.heard if message.key == key]

    def different(self, key: str = "b-1") -> Sequence[int | None]:
        """What was heard again at once is left out."""
        return [owed for owed, _ in itertools.groupby(self.owed(key))]

    async def last(self, owed: int | None, key: str = "b-1") -> None:
        """Returns when that is what was heard last of the row."""

        async def told() -> bool:
            return list(self.owed(key)[-1:]) == [owed]

        await self._scene.until(told)


@asynccontextmanager
async def listening(scene: Scene, *subjects: str) -> AsyncIterator[Ear]:
    broker = scene.ground.broker()
    await broker.open()
    ear = Ear(scene, broker)
    for subject in subjects:
        await broker.subscribe(f"live.debts.{subject}", ear.take)
    try:
        yield ear
    finally:
        await broker.close()


async def bill(scene: Scene, *bills: tuple[str, str, int]) -> None:
    """In a write of their own."""
    await scene.bill(*bills)
    await scene.at_rest()


async def looked(scene: Scene) -> None:
    """Somebody tells, and has looked who listens."""
    async with listening(scene, "nobody") as ear:
        await ear.last(None, "nobody")


async def test_a_row_is_told_when_it_changes(scene: Scene) -> None:
    await scene.worker()
    async with listening(scene, "b-1") as ear:
        await ear.last(None)
        await bill(scene, ("b-1", "ann", 10))
        await bill(scene, ("b-2", "bob", 10))
        await scene.pay(("b-1", 3))
        await scene.at_rest()
        await bill(scene, ("b-1", "ann", 1))
        await ear.last(8)
    assert [message.why for message in ear.heard] == ["current", *["changed"] * 3]
    assert ear.owed() == [None, 10, 7, 8]
    assert [headers["At-Least"] for headers in ear.headers] == [
        *("bills=0, money=0", "bills=1, money=0", "bills=2, money=1", "bills=3, money=1")
    ]


async def test_the_body_is_the_row_as_a_question_gives_it(scene: Scene) -> None:
    await scene.worker()
    await bill(scene, ("b-1", "ann", 10))
    bodies: list[bytes] = []
    await scene.broker.subscribe("live.debts.b-1", lambda request: bodies.append(request.body))

    async def told() -> bool:
        return bool(bodies)

    await scene.until(told)
    answer = await scene.ask("get.b-1")
    assert msgspec.json.decode(bodies[0]) == {
        name: value for name, value in answer.items() if name not in ("status", "positions")
    }


async def test_a_row_that_is_written_as_it_was_is_not_told(scene: Scene) -> None:
    await scene.worker()
    await bill(scene, ("b-1", "ann", 10))
    async with listening(scene, "b-1") as ear:
        await ear.last(10)
        await bill(scene, ("b-1", "ann", 0))
        await bill(scene, ("b-1", "ann", 1))
        await ear.last(11)
    assert ear.owed() == [10, 11]


async def test_whoever_comes_later_first_hears_how_it_is(scene: Scene) -> None:
    await scene.worker()
    await bill(scene, ("b-1", "ann", 10))
    async with listening(scene, "b-1") as first:
        await first.last(10)
        await bill(scene, ("b-1", "ann", 1))
        await first.last(11)
        async with listening(scene, "b-1") as second:
            await second.last(11)
            await bill(scene, ("b-1", "ann", 1))
            await second.last(12)
            await first.last(12)
    assert second.heard == [("b-1", "current", 11), ("b-1", "changed", 12)]
    # A subject is everybody's: who was there before hears it once more.
    assert first.owed() == [10, 11, 11, 12]
    assert [message.why for message in first.heard][-2:] == ["current", "changed"]


async def test_whoever_listens_to_all_rows_hears_changes_only(scene: Scene) -> None:
    await scene.worker()
    await bill(scene, ("b-1", "ann", 10), ("b-2", "bob", 1))
    await looked(scene)
    async with listening(scene, "*") as ear:
        await bill(scene, ("b-2", "bob", 1), ("b-3", "cleo", 3))
        await bill(scene, ("b-3", "cleo", 1))
        await ear.last(4, "b-3")
    # Redis tells times in seconds: there he hears of what was a moment before, too.
    before = [("b-1", "changed", 10), ("b-2", "changed", 1)]
    after = [("b-2", "changed", 2), ("b-3", "changed", 3), ("b-3", "changed", 4)]
    assert [*before, *after][-len(ear.heard) :] == ear.heard
    assert len(ear.heard) >= len(after)


async def test_what_is_no_part_of_a_subject_is_not_told(scene: Scene) -> None:
    def keys(event: Any) -> Sequence[str]:
        return [f"{key}.or so" if key == "b-2" else f"{key}/1" for key in bill_keys(event)]

    await scene.worker(replace(scene.view, keys=keys))
    await looked(scene)
    async with listening(scene, ">") as ear:
        await bill(scene, ("b-2", "bob", 1))
        await bill(scene, ("b-1", "ann", 10))
        await ear.last(10, "b-1/1")
    assert {message.key for message in ear.heard} == {"b-1/1"}


def leading(scene: Scene) -> ViewWorker | None:
    return next((w for w in scene.workers if w._partitions[0].live._lease.held), None)


async def test_another_process_goes_on_where_one_has_died(scene: Scene) -> None:
    for _ in range(2):
        await scene.worker()
    await bill(scene, ("b-1", "ann", 0))
    async with listening(scene, "b-1") as one, listening(scene, "*") as all_rows:
        await one.last(0)
        for n in range(1, 13):
            await bill(scene, ("b-1", "ann", 1), (f"c-{n}", "bob", n))
            if n in (4, 8):
                dead = leading(scene)
                assert dead is not None
                scene.workers.remove(dead)
                await dead.kill()
                await scene.worker()
        await one.last(12)
        await all_rows.last(12, "c-12")
    # What was not told for certain is told again; nothing is left out, and nothing goes back.
    assert set(all_rows.owed()) >= {*range(1, 13)}
    assert {message.key for message in all_rows.heard} >= {f"c-{n}" for n in range(1, 13)}
    assert list(one.owed()) == sorted(one.owed(), key=int)  # type: ignore[arg-type]


async def break_connection(scene: Scene, broker: Broker) -> None:
    before = broker.reconnects
    if isinstance(broker, MemoryBroker):
        broker.disconnect()
        await scene.ground.breathe()
        broker.reconnect()
    else:
        assert isinstance(broker, NatsBroker)
        transport: Any = broker._connection.wire._transport
        transport._io_writer.transport.abort()

    async def back() -> bool:
        return broker.reconnects > before

    await scene.until(back)


async def test_a_broken_connection_loses_nothing_in_the_end(scene: Scene) -> None:
    worker = await scene.worker()
    await bill(scene, ("b-1", "ann", 0))
    async with listening(scene, "b-1") as one, listening(scene, "*") as all_rows:
        await one.last(0)
        for n in range(1, 7):
            await bill(scene, ("b-1", "ann", 1))
            if n == 2:
                await break_connection(scene, worker._broker)
            if n == 4:
                await break_connection(scene, one.broker)
        await one.last(6)
        await all_rows.last(6)
    assert set(all_rows.owed()) >= {*range(1, 7)}


async def test_servers_that_begin_anew_leave_nobody_with_what_was(scene: Scene) -> None:
    worker = await scene.worker()
    await bill(scene, ("b-1", "ann", 1))
    async with listening(scene, "b-1") as one:
        await one.last(1)
        brokers = (scene.broker, worker._broker, one.broker)
        if isinstance(scene.ground, RealGround):
            before = [broker.reconnects for broker in brokers]
            await scene.ground.nats.stop()
            await scene.ground.nats.start()

            async def back() -> bool:
                return all(b.reconnects > n for b, n in zip(brokers, before, strict=True))

            await scene.until(back)
        else:
            for broker in brokers:
                await break_connection(scene, broker)
        await bill(scene, ("b-1", "ann", 1))
        await one.last(2)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many steps, though there is little."""
    monkeypatch.setattr(shadow, "STEP", 7)
    monkeypatch.setattr(rebuild, "NEAR", 3)


@pytest.mark.usefixtures("small")
async def test_of_a_build_that_takes_over_only_what_differs_is_told(scene: Scene) -> None:
    await scene.worker()
    await scene.worker()
    for _ in range(5):
        await bill(scene, *((f"b-{k}", "ann", 1) for k in range(5)))
    await alter(scene, "b-3", '{"id":"b-3","who":"eve","owed":1,"note":""}')
    over = asyncio.Event()

    async def events() -> None:
        while not over.is_set():
            await scene.bill(("b-1", "ann", 1))
            await scene.ground.breathe()

    async with listening(scene, "b-1", "b-2", "b-3") as some, listening(scene, "*") as all_rows:
        for key, owed in (("b-2", 5), ("b-3", 1)):
            await some.last(owed, key)
        busy = asyncio.create_task(events())
        try:
            async with scene.rebuilding() as rebuilding:
                assert (await rebuilding.run()).took_over
        finally:
            over.set()
            await busy
        await some.last(5, "b-3")
        await bill(scene, ("b-2", "ann", 1))
        final = (await scene.rows())["b-1"][1]
        for ear in (some, all_rows):
            await ear.last(final, "b-1")
            await ear.last(6, "b-2")
            await ear.last(5, "b-3")
            told = ear.different("b-1")
            assert told == sorted({*told}, key=int)  # type: ignore[arg-type]
    # Whoever listens to all rows from the start hears of the last seconds, too.
    assert some.different("b-2")[-2:] == all_rows.different("b-2")[-2:] == [5, 6]
    assert some.different("b-3")[-2:] == all_rows.different("b-3")[-2:] == [1, 5]
    assert set(all_rows.owed("b-4")) <= {*range(1, 6)}


async def test_a_new_version_tells_what_is_other_there(scene: Scene) -> None:
    def twice(slots: Mapping[str, Any]) -> Row | None:
        row = debt(slots)
        return row and changed(row, owed=2 * row.owed)

    await scene.worker()
    await bill(scene, ("b-1", "ann", 10), ("b-2", "bob", 0))
    async with listening(scene, "b-1") as one, listening(scene, "*") as all_rows:
        await one.last(10)
        await bill(scene, ("b-1", "ann", 1))
        await one.last(11)
        old = scene.workers.pop()
        await scene.worker(replace(scene.view, version=2, row=twice))
        await one.last(22)
        await all_rows.last(22)
        await bill(scene, ("b-1", "ann", 1))
        await one.last(24)
        await old.stop()
    assert "b-2" not in {message.key for message in all_rows.heard if message.owed != 0}


async def test_whoever_listens_before_the_view_is_there_hears_it_come(scene: Scene) -> None:
    async with listening(scene, "b-1") as ear:
        await scene.publish("bills", written(BILLS, "b-1", Billed(who="ann", amount=4)))
        await scene.worker()
        await ear.last(4)
    assert [owed for owed in ear.owed() if owed is not None] == [4] * (
        len(ear.heard) - ear.owed().count(None)
    )
