"""Deadlines fire when they are due: once, whoever else is at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from bus.deadlines import Deadlines
from bus.messages import Command
from bus.store.port import Append, DutyRow
from tests.contract.way.ledger import ASKED, TIMED, Note
from tests.unit.kernel.duties import Desk, opened


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as found:
        yield found


def fire(desk: Desk) -> Deadlines:
    deadlines = Deadlines(desk.domain, desk.store, desk.committer, desk.clock)
    desk.start(deadlines.run())
    return deadlines


async def test_a_deadline_sends_its_command_when_it_is_due(desk: Desk) -> None:
    deadlines = fire(desk)
    await desk.do(Note(id="p-1", amount=TIMED))
    await desk.until(lambda: deadlines.idle)
    assert await desk.types("p-1") == ["Noted"]
    await desk.advance(minutes=9, seconds=59)
    await desk.until(lambda: deadlines.idle)
    assert await desk.types("p-1") == ["Noted"]
    await desk.advance(seconds=1)
    await desk.until(lambda: not desk.disk.duties and deadlines.idle)
    assert await desk.types("p-1") == ["Noted", "Closed"]


async def test_the_command_says_which_event_has_set_the_deadline(desk: Desk) -> None:
    fire(desk)
    await desk.do(Note(id="p-1", amount=TIMED))
    await desk.advance(minutes=10)
    await desk.until(lambda: not desk.disk.duties)
    noted, closed = await desk.store.history("p-1", 0, 10)
    recorded = desk.domain.contract.decode(closed.position, closed.body)
    assert recorded.correlation_id == "correlation"
    assert recorded.causation_id == f"ledger:{noted.event_id}"


async def test_deadlines_that_were_missed_fire_at_the_start(desk: Desk) -> None:
    for n in range(5):
        await desk.do(Note(id=f"p-{n}", amount=TIMED))
    await desk.advance(days=1)
    fire(desk)
    await desk.until(lambda: not desk.disk.duties)
    for n in range(5):
        assert await desk.types(f"p-{n}") == ["Noted", "Closed"]


async def test_two_processes_fire_each_deadline_once(desk: Desk) -> None:
    async with opened(desk.disk) as other:
        for n in range(50):
            await desk.do(Note(id=f"p-{n}", amount=TIMED))
        other.clock.advance(timedelta(minutes=10))
        desk.clock.advance(timedelta(minutes=10))
        fire(desk)
        fire(other)
        await desk.until(lambda: not desk.disk.duties)
        for n in range(50):
            assert await desk.types(f"p-{n}") == ["Noted", "Closed"]


async def test_deadlines_that_are_far_away_are_not_looked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = fire(desk)
    await desk.until(lambda: deadlines.idle)
    looks = desk.count_looks(monkeypatch)
    for n in range(20):
        await desk.do(Note(id=f"p-{n}", amount=TIMED))
    await desk.until(lambda: deadlines.idle)
    assert looks == []
    await desk.advance(minutes=10)
    await desk.until(lambda: not desk.disk.duties)


async def test_one_that_another_process_has_set_is_found_by_looking(desk: Desk) -> None:
    deadlines = fire(desk)
    await desk.until(lambda: deadlines.idle)
    async with opened(desk.disk) as other:
        await other.do(Note(id="p-1", amount=TIMED))
    await desk.advance(minutes=10)
    await desk.until(lambda: not desk.disk.duties)


async def test_a_refused_command_has_used_its_deadline_up(desk: Desk) -> None:
    await owe(desk, "unlucky", Note(id="p-1", amount=7))
    fire(desk)
    await desk.until(lambda: not desk.disk.duties)
    assert await desk.types("p-1") == []


async def test_a_command_that_fails_is_tried_again_later_and_later(desk: Desk) -> None:
    desk.faults.decide.add(13)
    await owe(desk, "bad", Note(id="p-1", amount=13))
    await owe(desk, "good", Note(id="p-2", amount=1))
    deadlines = fire(desk)
    due = []
    for _ in range(3):
        await desk.until(lambda: deadlines.idle)
        pause = desk.disk.duties["bad"].due - desk.clock.now()
        due.append(pause.total_seconds())
        await desk.advance(seconds=due[-1])
    assert due == [1, 2, 4]
    desk.faults.decide.clear()
    await desk.until(lambda: deadlines.idle)
    await desk.advance(hours=1)
    await desk.until(lambda: not desk.disk.duties)
    assert await desk.types("p-1") == ["Noted"]
    assert await desk.types("p-2") == ["Noted"]


async def test_one_that_can_t_be_read_waits_and_the_others_fire(desk: Desk) -> None:
    await owe(desk, "bad", b'{"type":"Forgotten"}')
    await owe(desk, "good", Note(id="p-2", amount=1))
    deadlines = fire(desk)
    await desk.until(lambda: list(desk.disk.duties) == ["bad"] and deadlines.idle)
    assert desk.disk.duties["bad"].due > desk.clock.now()


async def test_calls_are_not_its_business(desk: Desk) -> None:
    deadlines = fire(desk)
    await desk.do(Note(id="p-1", amount=ASKED))
    owed = dict(desk.disk.duties)
    await desk.advance(minutes=1)
    await desk.until(lambda: deadlines.idle)
    assert desk.disk.duties == owed


async def test_while_the_store_is_away_deadlines_wait(desk: Desk) -> None:
    await owe(desk, "good", Note(id="p-2", amount=1))
    desk.disk.unavailable = True
    fire(desk)
    for _ in range(5):
        await desk.advance(seconds=1)
    desk.disk.unavailable = False
    await desk.advance(seconds=10)
    await desk.until(lambda: not desk.disk.duties)
    assert await desk.types("p-2") == ["Noted"]


async def owe(desk: Desk, name: str, command: Command | bytes) -> None:
    """A deadline that is due now."""
    body = command if isinstance(command, bytes) else msgspec.json.encode(command)
    row = DutyRow(name, desk.clock.now(), "deadline", body, "event-1", "correlation")
    await desk.store.append(Append(duties=[row]))
