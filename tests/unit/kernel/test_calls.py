"""The world outside is asked until it has answered, and spared while it is down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bus.guard import ATTEMPTS, FAILURES, PAUSE
from bus.messages import Command
from bus.outside import Calls, Later, OutsideUnavailable
from tests.contract.way.ledger import ASKED, TIMED, Ask, Book, Note
from tests.unit.kernel.duties import Desk, opened


class World:
    """Answers as the test wants; remembers who asked, and what it did for each key."""

    requests = (Ask,)

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.done: Counter[str] = Counter()
        self.down = False
        self.failures = 0
        self.later = 0.0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.inside = 0
        self.most_inside = 0
        self.door: asyncio.Lock | None = None

    async def __call__(self, request: Any, idempotency_key: str) -> Command | Later:
        self.asked.append(idempotency_key)
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.gate.wait()
            if self.door is not None:
                async with self.door:
                    await asyncio.sleep(0)
        finally:
            self.inside -= 1
        self.failures -= 1
        if self.down or self.failures >= 0:
            raise OutsideUnavailable("nobody at home")
        if self.error is not None:
            raise self.error
        if self.later:
            return Later(self.later)
        self.done[idempotency_key] += 1
        return Book(id="p-1", reference=idempotency_key)

    async def close(self) -> None:
        self.down = True


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as found:
        yield found


@pytest.fixture
def world() -> World:
    return World()


def call(desk: Desk, world: World, concurrency: int = 64) -> Calls:
    calls = Calls(
        desk.domain, desk.store, desk.committer, desk.clock, world, concurrency=concurrency
    )
    desk.start(calls.run())
    return calls


async def ask(desk: Desk, count: int = 1) -> None:
    for n in range(count):
        await desk.do(Note(id=f"q-{n}", amount=ASKED))


async def rest(desk: Desk, calls: Calls) -> None:
    async with asyncio.timeout(20):
        while not calls.idle:  # noqa: ASYNC110  short retries take real time
            await asyncio.sleep(0.001)


async def test_an_event_leads_to_a_call_and_its_answer_is_recorded(
    desk: Desk, world: World
) -> None:
    calls = call(desk, world)
    await ask(desk)
    await desk.until(lambda: not desk.disk.duties and calls.idle)
    (noted,) = await desk.store.history("q-0", 0, 10)
    (booked,) = await desk.store.history("p-1", 0, 10)
    recorded = desk.domain.contract.decode(booked.position, booked.body)
    assert world.asked == [noted.event_id]
    assert recorded.causation_id == f"ledger:{noted.event_id}"
    assert recorded.correlation_id == "correlation"


async def test_what_was_owed_before_the_start_is_called(desk: Desk, world: World) -> None:
    await ask(desk, 300)
    calls = call(desk, world)
    await desk.until(lambda: not desk.disk.duties and calls.idle)
    assert len(world.asked) == 300
    assert set(world.done.values()) == {1}


async def test_no_more_calls_than_wanted_are_made_at_a_time(desk: Desk, world: World) -> None:
    await ask(desk, 30)
    world.gate.clear()
    calls = call(desk, world, concurrency=4)
    await desk.until(lambda: world.inside == 4)
    assert calls.in_flight == 4
    world.gate.set()
    await desk.until(lambda: not desk.disk.duties)
    assert world.most_inside == 4
    assert len(world.asked) == 30


async def test_what_waits_for_room_is_not_looked_for_after_every_call(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.door = asyncio.Lock()  # they end one by one
    await ask(desk, 300)
    looks = desk.count_looks(monkeypatch)
    calls = call(desk, world, concurrency=20)
    await desk.until(lambda: not desk.disk.duties and calls.idle)
    assert len(world.asked) == 300
    assert len(looks) < 50


async def test_a_call_is_never_made_twice_at_a_time(desk: Desk, world: World) -> None:
    world.gate.clear()
    call(desk, world)
    await ask(desk, 2)
    await desk.until(lambda: world.inside == 2)
    for _ in range(5):
        await desk.advance(minutes=1)
    await ask_another(desk)
    await desk.until(lambda: world.inside == 3)
    assert len(world.asked) == 3


async def test_an_undecided_world_is_asked_again_when_it_says(desk: Desk, world: World) -> None:
    world.later = 90
    calls = call(desk, world)
    await ask(desk)
    await desk.until(lambda: len(world.asked) == 1 and calls.idle)
    await desk.advance(seconds=89)
    await desk.until(lambda: calls.idle)
    assert len(world.asked) == 1
    world.later = 0
    await desk.advance(seconds=1)
    await desk.until(lambda: not desk.disk.duties)
    assert len(set(world.asked)) == 1


@pytest.mark.parametrize("seconds", [-1.0, 1e-9, float("inf"), float("nan")])
async def test_an_odd_later_is_no_reason_to_hammer(
    desk: Desk, world: World, seconds: float
) -> None:
    world.later = seconds
    calls = call(desk, world)
    await ask(desk)
    await desk.until(lambda: len(world.asked) == 1 and calls.idle)
    assert desk.disk.duties["ask:q-0"].due > desk.clock.now()


async def test_after_a_few_failures_nobody_is_asked_until_the_pause_is_over(
    desk: Desk, world: World
) -> None:
    world.down = True
    calls = call(desk, world)
    await ask(desk, 40)
    await rest(desk, calls)
    assert calls.breaker_state == "open"
    asked = len(world.asked)
    await ask_another(desk)
    await rest(desk, calls)
    assert len(world.asked) == asked
    assert await desk.store.next_due("call") > desk.clock.now()  # type: ignore[operator]


async def test_one_probe_at_a_time_finds_out_whether_the_world_is_back(
    desk: Desk, world: World
) -> None:
    world.down = True
    calls = call(desk, world)
    await ask(desk, 40)
    await rest(desk, calls)
    for _ in range(3):
        asked = len(world.asked)
        await desk.advance(seconds=PAUSE)
        await rest(desk, calls)
        assert len(world.asked) == asked + 1
        assert calls.breaker_state == "open"
    world.down = False
    await desk.advance(seconds=PAUSE)
    await rest(desk, calls)
    assert calls.breaker_state == "closed"
    await desk.advance(hours=2)
    await desk.until(lambda: not desk.disk.duties)
    assert len(world.done) == 40
    assert set(world.done.values()) == {1}


async def test_a_short_outage_is_bridged_without_anybody_noticing(desk: Desk, world: World) -> None:
    world.failures = ATTEMPTS - 1
    calls = call(desk, world)
    await ask(desk)
    await rest(desk, calls)
    assert calls.breaker_state == "closed"
    assert not desk.disk.duties
    assert len(world.asked) == ATTEMPTS


async def test_a_fault_of_the_adapter_puts_off_its_own_call_only(desk: Desk, world: World) -> None:
    world.error = LookupError("a bug")
    calls = call(desk, world)
    await ask(desk, FAILURES)
    await desk.until(lambda: len(world.asked) == FAILURES and calls.idle)
    assert calls.breaker_state == "closed"
    world.error = None
    await desk.advance(seconds=1)
    await desk.until(lambda: not desk.disk.duties)


async def test_a_store_that_is_away_costs_no_second_call(desk: Desk, world: World) -> None:
    world.gate.clear()
    calls = call(desk, world)
    await ask(desk)
    await desk.until(lambda: world.inside == 1)
    desk.disk.fail_next("unreachable", "unreachable")
    world.gate.set()
    await desk.until(lambda: world.inside == 0)
    for _ in range(4):
        await desk.until(lambda: True)
        await desk.advance(seconds=1)
        for _ in range(50):
            await asyncio.sleep(0)
    await desk.until(lambda: not desk.disk.duties and calls.idle)
    assert len(world.asked) == 1


async def test_two_processes_record_an_answer_once(desk: Desk, world: World) -> None:
    await ask(desk, 20)
    async with opened(desk.disk) as other:
        call(desk, world)
        call(other, world)
        await desk.until(lambda: not desk.disk.duties)
        await desk.until(lambda: desk.committer.idle and other.committer.idle)
    assert len(await desk.store.history("p-1", 0, 100)) == 20


async def test_deadlines_are_not_its_business(desk: Desk, world: World) -> None:
    calls = call(desk, world)
    await desk.do(Note(id="q-0", amount=TIMED))
    owed = dict(desk.disk.duties)
    await desk.advance(minutes=30)
    await desk.until(lambda: calls.idle)
    assert world.asked == []
    assert desk.disk.duties == owed


async def ask_another(desk: Desk) -> None:
    await desk.do(Note(id="q-another", amount=ASKED))
