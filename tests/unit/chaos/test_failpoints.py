"""A process that dies at a fail point has no effect from there on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bus.envelope import Key
from bus.store.memory import MemoryStore
from bus.store.port import Append, NewEvent
from scripts.chaos import watched
from scripts.chaos.deaths import Death, Fate, Note
from scripts.chaos.failpoints import SIDES, Call, FailPoints, Point, Side

EVENT = NewEvent("1", Key("till", "t-1"), 1, "Opened", b"{}")


@pytest.mark.parametrize(("side", "written"), [("before", 0), ("after", 1)])
async def test_a_write_has_happened_only_to_who_dies_after_it(side: Side, written: int) -> None:
    deaths: list[Point] = []
    points = FailPoints(lambda point: point.side == side, deaths.append)
    store = MemoryStore()
    dying = watched.store(store, points)
    with pytest.raises(asyncio.CancelledError):
        await dying.append(Append(events=[EVENT]))
    assert (await store.head()).position == written
    assert deaths == [Point(Call("store.append", 1, 1), side)]


async def test_who_is_dead_does_nothing_more() -> None:
    points = FailPoints(lambda point: point.call.name == "store.head", lambda _: None)
    store = MemoryStore()
    dead = watched.store(store, points)
    with pytest.raises(asyncio.CancelledError):
        await dead.head()
    with pytest.raises(asyncio.CancelledError):
        await dead.append(Append(events=[EVENT]))
    with pytest.raises(asyncio.CancelledError):
        async with dead.exclusive():
            pytest.fail("it has entered a transaction")
    assert (await store.head()).position == 0


def test_a_process_dies_of_its_note_once(tmp_path: Path) -> None:
    note = Note(tmp_path, "domains.catalog.app")
    note.set_down(Death("store.append", "after", 2))
    fate = Fate(note)
    calls = [Call("store.append", 1, 1), Call("store.head", 2, 1), Call("store.append", 3, 2)]
    points = [Point(call, side) for call in calls for side in SIDES]
    assert [point for point in points if fate.meets(point)] == [Point(calls[2], "after")]
    assert not any(map(Fate(note).meets, points))
