"""What waits to be written: all at once when it is time, in order, and never without bound."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from bus.clock import ManualClock
from bus.store.port import Checkpoint
from bus.views import gathered
from bus.views.gathered import Gathered, Read, Taken
from bus.views.reading import Item

NEVER = 3600.0
T = TypeVar("T")


def read(first: int, last: int | None = None) -> Read:
    """A batch that ends at `last`, with each event from `first` on."""
    last = last or first
    items = [Item(n, b"", "bill/b-1", None, ("b-1",)) for n in range(first, last + 1)]
    return Read(items, Checkpoint(last, f"event-{last}"))


def positions(taken: Taken) -> dict[str, list[int]]:
    for batch in taken.batches.values():
        assert batch.place == Checkpoint(batch.items[-1].position, batch.place.event_id)
    return {domain: [item.position for item in b.items] for domain, b in taken.batches.items()}


async def begun(what: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """It has come as far as it can come without anybody's help."""
    task = asyncio.create_task(what)
    for _ in range(10):
        await asyncio.sleep(0)
    return task


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write waits for ever, unless something makes it hurry."""
    monkeypatch.setattr(gathered, "PACE", NEVER)


@pytest.mark.usefixtures("slow")
async def test_the_first_write_waits_for_nothing() -> None:
    waiting = Gathered(ManualClock())
    await waiting.put("bills", read(1, 3))
    assert positions(await waiting.take()) == {"bills": [1, 2, 3]}


@pytest.mark.usefixtures("slow")
async def test_the_next_one_takes_what_came_meanwhile_in_all_streams() -> None:
    waiting = Gathered(ManualClock())
    await waiting.put("bills", read(1))
    await waiting.take()
    await waiting.put("bills", read(2))
    taking = await begun(waiting.take())
    assert not taking.done()
    await waiting.put("money", read(7, 8))
    await waiting.put("bills", read(3, 4))
    waiting.hurry()
    assert positions(await taking) == {"bills": [2, 3, 4], "money": [7, 8]}
    await waiting.put("bills", read(5))
    assert not (await begun(waiting.take())).done()  # who hurried has what they waited for


async def test_a_write_waits_no_longer_than_its_time() -> None:
    clock = ManualClock()
    waiting = Gathered(clock)
    await waiting.put("bills", read(1))
    await waiting.take()
    await waiting.put("bills", read(2))
    clock.advance(timedelta(seconds=gathered.PACE / 2))
    taking = await begun(waiting.take())
    assert not taking.done()
    clock.advance(timedelta(seconds=gathered.PACE / 2))
    assert positions(await taking) == {"bills": [2]}


@pytest.mark.usefixtures("slow")
async def test_much_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "MUCH", 4)
    waiting = Gathered(ManualClock())
    await waiting.put("bills", read(1))
    await waiting.take()
    await waiting.put("bills", read(2, 3))
    taking = await begun(waiting.take())
    assert not taking.done()
    await waiting.put("money", read(1, 2))
    assert positions(await taking) == {"bills": [2, 3], "money": [1, 2]}


async def test_a_write_has_a_bound_and_the_rest_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "PACE", 0.0)
    monkeypatch.setattr(gathered, "MOST", 4)
    waiting = Gathered(ManualClock())
    await waiting.put("bills", read(1, 3))
    await waiting.put("money", read(1, 2))
    await waiting.put("bills", read(4))
    assert positions(await waiting.take()) == {"bills": [1, 2, 3]}
    assert positions(await waiting.take()) == {"money": [1, 2], "bills": [4]}


@pytest.mark.usefixtures("slow")
async def test_a_stream_that_has_much_waiting_waits_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathered, "MOST", 4)
    waiting = Gathered(ManualClock())
    await waiting.put("bills", read(1, 3))
    more = await begun(waiting.put("bills", read(4, 5)))
    assert not more.done()
    await waiting.put("money", read(1))
    await waiting.take()
    await more


@pytest.mark.usefixtures("slow")
async def test_of_batches_that_nothing_is_wanted_of_no_more_wait_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathered, "MOST", 4)
    waiting = Gathered(ManualClock())
    for position in range(1, 5):
        await waiting.put("bills", Read([], Checkpoint(position, f"event-{position}")))
    more = await begun(waiting.put("bills", read(5)))
    assert not more.done()
    assert (await waiting.take()).batches["bills"] == Read([], Checkpoint(4, "event-4"))
    await more


@pytest.mark.usefixtures("slow")
async def test_the_end_of_a_stream_is_told_with_what_came_before_it() -> None:
    waiting = Gathered(ManualClock())
    await waiting.put("bills", read(1))
    await waiting.put("bills", None)
    taken = await waiting.take()
    assert (positions(taken), taken.ended) == ({"bills": [1]}, {"bills"})
    await waiting.put("money", None)
    assert await waiting.take() == Taken({}, {"money"})


@pytest.mark.usefixtures("slow")
async def test_what_is_read_anew_does_not_wait_twice() -> None:
    waiting = Gathered(ManualClock())
    await waiting.put("bills", read(1))
    waiting.clear()
    taking = await begun(waiting.take())
    assert not taking.done()
    await waiting.put("bills", read(1, 2))
    assert positions(await taking) == {"bills": [1, 2]}
