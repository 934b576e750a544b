"""Only who holds the lease does the leader's work, and never beyond it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bus.halt import Halt, OwnBooksDiffer
from bus.leader import Leader
from bus.store.memory import MemoryStore
from tests.unit.kernel.duties import Desk, opened


class Work:
    """A duty of a leader that says when it is being done; or fails as it is told."""

    def __init__(self) -> None:
        self.started = 0
        self.running = False
        self.error: Exception | None = None

    async def run(self) -> None:
        self.started += 1
        if self.error is not None:
            raise self.error
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as found:
        yield found


def lead(desk: Desk, **works: Work) -> Leader:
    lease = MemoryStore(shared=desk.disk).lease()
    leader = Leader(lease, lambda: [(name, work.run) for name, work in works.items()], desk.clock)
    desk.start(leader.run())
    return leader


async def test_one_of_two_leads_and_the_other_stands_by(desk: Desk) -> None:
    first, second = Work(), Work()
    leaders = [lead(desk, work=first), lead(desk, work=second)]
    await desk.until(lambda: first.running)
    assert [leader.leading for leader in leaders] == [True, False]
    assert not second.started


async def test_who_stops_hands_over_at_once(desk: Desk) -> None:
    first, second = Work(), Work()
    leader = lead(desk, work=first)
    await desk.until(lambda: first.running)
    lead(desk, work=second)
    await leader.stop()
    assert not first.running
    await desk.until(lambda: second.running)


async def test_who_loses_the_lease_stops_everything_and_stands_by_again(desk: Desk) -> None:
    works = {"relay": Work(), "deadlines": Work()}
    leader = lead(desk, **works)
    await desk.until(lambda: all(work.running for work in works.values()))
    desk.disk.unavailable = True
    await desk.until(lambda: not any(work.running for work in works.values()))
    assert not leader.leading
    desk.disk.unavailable = False
    await desk.until(lambda: all(work.running for work in works.values()))
    assert [work.started for work in works.values()] == [2, 2]


async def test_what_fails_is_started_again_and_the_others_are_not_disturbed(desk: Desk) -> None:
    bad, good = Work(), Work()
    bad.error = LookupError("a bug")
    leader = lead(desk, bad=bad, good=good)
    await desk.until(lambda: bad.started == 1 and "bad" in leader.problems)
    assert "a bug" in leader.problems["bad"]
    bad.error = None
    await desk.until(lambda: True)
    await desk.advance(seconds=1)
    await desk.until(lambda: bad.running)
    assert leader.problems == {}
    assert good.started == 1


async def test_what_needs_a_person_stays_stopped_and_says_why(desk: Desk) -> None:
    diverged, good = Work(), Work()
    diverged.error = Halt("look at position 7")
    leader = lead(desk, relay=diverged, good=good)
    await desk.until(lambda: leader.problems == {"relay": "look at position 7"})
    for _ in range(10):
        await desk.advance(hours=1)
    assert diverged.started == 1
    assert good.running
    assert leader.leading


async def test_where_the_own_books_differ_nothing_goes_on_here_or_elsewhere(desk: Desk) -> None:
    differing, good, elsewhere = Work(), Work(), Work()
    leader = lead(desk, good=good, relay=differing)
    await desk.until(lambda: good.running)
    await leader.stop()
    differing.error = OwnBooksDiffer("look at position 7")
    leader = lead(desk, good=good, relay=differing)
    await desk.until(lambda: leader.resting)
    assert not good.running
    assert leader.problems == {"relay": "look at position 7"}
    lead(desk, elsewhere=elsewhere)
    for _ in range(10):
        await desk.advance(hours=1)
    assert leader.leading
    assert not elsewhere.started


async def test_a_leader_that_is_cancelled_leaves_nothing_behind(desk: Desk) -> None:
    work, successor = Work(), Work()
    leader = Leader(desk.store.lease(), lambda: [("work", work.run)], desk.clock)
    running = desk.start(leader.run())
    await desk.until(lambda: work.running)
    running.cancel()
    await desk.until(running.done)
    assert not work.running
    lead(desk, work=successor)
    await desk.until(lambda: successor.running)
