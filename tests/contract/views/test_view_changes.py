"""What has changed in a view's rows, as every store of views tells it."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bus.store.port import Checkpoint
from bus.views import changes
from bus.views.build import Aim
from bus.views.changes import Lost, Mark, told
from bus.views.port import Replaced, RowChange, ViewStore
from tests.contract.views.conftest import Stores
from tests.contract.views.sample import DEBTS
from tests.contract.views.test_view_store import shown, write

Seen = tuple[str, int | None]
"""A key, and what is owed under it."""


def gone(key: str) -> RowChange:
    return shown(key)._replace(row=None, columns=(None, None, None))


def owed(row: str | None) -> int | None:
    return None if row is None else int(msgspec.json.decode(row)["owed"])


async def remembering(stores: Stores) -> ViewStore:
    store = await stores(DEBTS)
    await store.remember()
    return store


async def now(store: ViewStore) -> Mark:
    async with store.changes() as found:
        standing = await found.standing(found.serving)
        assert standing is not None
        return Mark(found.serving, standing.moment)


async def steps(
    store: ViewStore, after: Mark, keys: Collection[str] | None = None
) -> Sequence[changes.Told]:
    """All of them, up to the end."""
    found = []
    while True:
        async with store.changes() as source:
            found.append(await told(source, after, keys))
        if found[-1].mark == after:
            return found
        after = found[-1].mark


async def seen(
    store: ViewStore, after: Mark, keys: Collection[str] | None = None
) -> Sequence[Seen]:
    return [(n.key, owed(n.row)) for step in await steps(store, after, keys) for n in step.news]


async def test_each_change_is_told_once_in_the_order_of_writes(stores: Stores) -> None:
    store = await remembering(stores)
    start = await now(store)
    await write(store, shown("b-1", owed=1), shown("b-2", owed=20))
    await write(store, shown("b-1", owed=2), shown("b-3", owed=30))
    await write(store, shown("b-1", owed=3))
    everything = [("b-1", 1), ("b-2", 20), ("b-1", 2), ("b-3", 30), ("b-1", 3)]
    assert await seen(store, start) == everything
    assert await seen(store, start, {"b-1", "b-9"}) == [("b-1", 1), ("b-1", 2), ("b-1", 3)]
    assert await seen(store, start._replace(moment=start.moment + 1)) == everything[2:]
    assert await seen(store, await now(store)) == []


async def test_a_write_that_leaves_a_row_as_it_was_is_no_change(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1), gone("b-2"))
    start = await now(store)
    await write(store, shown("b-1", owed=1), gone("b-2"), gone("b-3"))
    await write(store, shown("b-1", owed=2))
    await write(store, shown("b-1", owed=2))
    await write(store, shown("b-1", owed=1))
    assert await seen(store, start) == [("b-1", 2), ("b-1", 1)]


async def test_a_row_that_nobody_sees_any_more_is_told_to_have_gone(stores: Stores) -> None:
    store = await remembering(stores)
    start = await now(store)
    await write(store, shown("b-1", owed=1))
    await write(store, gone("b-1"))
    await write(store, gone("b-1"))
    await write(store, shown("b-1", owed=1))
    assert await seen(store, start) == [("b-1", 1), ("b-1", None), ("b-1", 1)]


async def test_each_change_bears_the_positions_of_its_write(stores: Stores) -> None:
    store = await remembering(stores)
    start = await now(store)
    await write(store, shown("b-1", owed=1), places={"bills": Checkpoint(7, "e")})
    await write(store, shown("b-1", owed=2), domain="money")
    (first, *_) = await steps(store, start)
    assert [n.positions for n in first.news] == [{"bills": 7, "money": 0}, {"bills": 7, "money": 1}]
    assert [n.mark.moment - start.moment for n in first.news] == [1, 2]


async def test_what_another_process_writes_is_told_too(stores: Stores) -> None:
    store, other = await remembering(stores), await stores(DEBTS)
    start = await now(store)
    await write(other, shown("b-1", owed=1))
    await write(store, shown("b-1", owed=2))
    await write(other, shown("b-1", owed=3))
    assert await seen(store, start) == [("b-1", 1), ("b-1", 2), ("b-1", 3)]


async def test_much_is_told_in_steps(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "STEPS", 2)
    store = await remembering(stores)
    start = await now(store)
    for n in range(5):
        await write(store, shown("b-1", owed=n), shown(f"c-{n}", owed=n))
    for keys in (None, {"b-1"}):
        found = await steps(store, start, keys)
        assert [step.mark.moment - start.moment for step in found] == [2, 4, 5, 5]
        assert [owed(n.row) for step in found for n in step.news if n.key == "b-1"] == [*range(5)]


async def test_rows_are_told_as_they_stood_at_a_mark(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1))
    mark = await now(store)
    await write(store, shown("b-1", owed=2), shown("b-2", owed=9), domain="money")
    async with store.changes() as source:
        found = await changes.stood(source, mark, ["b-2", "b-1"])
        assert [(n.key, owed(n.row)) for n in found] == [("b-2", None), ("b-1", 1)]
        assert found[0].positions == {"bills": 1, "money": 0}
        found = await changes.stood(source, await now(store), ["b-1", "b-2"])
        assert [(n.key, owed(n.row)) for n in found] == [("b-1", 2), ("b-2", 9)]


async def test_of_what_is_not_remembered_the_last_version_is_told(stores: Stores) -> None:
    store = await stores(DEBTS)
    start = await now(store)
    for n in range(3):
        await write(store, shown("b-1", owed=n), shown("b-2", owed=n))
    await write(store, gone("b-2"))
    assert await seen(store, start) == [("b-1", 2), ("b-2", None)]
    assert await seen(store, start, {"b-2"}) == [("b-2", None)]
    await store.remember()
    await write(store, shown("b-1", owed=7), shown("b-3", owed=7))
    await write(store, shown("b-1", owed=8))
    # What stood when remembering began has been superseded, so it is there.
    after = [("b-1", 7), ("b-3", 7), ("b-1", 8)]
    assert await seen(store, start) == [("b-1", 2), ("b-2", None), *after]


async def test_what_was_forgotten_is_told_as_far_as_it_is_there(stores: Stores) -> None:
    store = await remembering(stores)
    start = await now(store)
    await write(store, shown("b-1", owed=1), shown("b-2", owed=1))
    await write(store, shown("b-1", owed=2))
    await store.trim(datetime.now(UTC) + timedelta(hours=1))
    await write(store, shown("b-1", owed=3))
    found = await seen(store, start)
    assert found[-1] == ("b-1", 3)
    assert ("b-2", 1) in found


async def test_random_writes_are_told_as_they_were_made(stores: Stores, backend: str) -> None:
    chance = random.Random(backend)
    store, other = await remembering(stores), await stores(DEBTS)
    marks, made = [await now(store)], []
    rows: dict[str, int | None] = {}
    for _ in range(25):
        new: dict[str, int | None] = {
            f"b-{chance.randrange(6)}": chance.choice((None, 1, 2, 3)) for _ in range(3)
        }
        drawn = [gone(key) if n is None else shown(key, owed=n) for key, n in new.items()]
        await write(chance.choice((store, other)), *drawn)
        made.append([(key, n) for key, n in sorted(new.items()) if rows.get(key) != n])
        rows |= new
        marks.append(await now(store))
    for start in (0, 7, 24):
        left = [pair for step in made[start:] for pair in step]
        assert await seen(store, marks[start]) == left
        keys = {"b-1", "b-4"}
        assert await seen(store, marks[start], keys) == [pair for pair in left if pair[0] in keys]


async def rebuilt(stores: Stores, *rows: RowChange, at: int) -> ViewStore:
    """Another build with these rows, as far as the bills' position `at`."""
    new = await stores(DEBTS, Aim.REBUILD)
    await new.remember()
    await write(new, *rows, places={"bills": Checkpoint(at, f"event-{at}")})
    assert await new.take_over()
    return new


@pytest.mark.parametrize("page", [1, 1000])
async def test_of_a_build_that_takes_over_what_differs_is_told(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(changes, "PAGE", page)
    store = await remembering(stores)
    await write(store, *(shown(f"b-{n}", owed=n) for n in range(4)))
    start = await now(store)
    await write(store, shown("b-1", owed=11))
    same = (shown("b-0", owed=0), shown("b-1", owed=11))
    new = await rebuilt(stores, *same, shown("b-2", owed=22), shown("b-9", owed=9), at=2)
    await write(new, shown("b-1", owed=12))
    await write(new, shown("b-2", owed=2))
    differing: Sequence[Seen] = [("b-2", 22), ("b-3", None), ("b-9", 9)]
    told_all: Sequence[Seen] = [("b-1", 11), *differing, ("b-1", 12), ("b-2", 2)]
    assert await seen(store, start) == told_all
    assert await seen(store, start, {"b-2", "b-0"}) == [("b-2", 22), ("b-2", 2)]
    assert (await steps(store, start))[-1].mark == await now(store)
    at = [n.positions["bills"] for step in await steps(store, start) for n in step.news]
    assert at == [2, 2, 2, 2, 3, 4]


async def test_a_build_that_is_made_beside_it_is_not_told(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1))
    start = await now(store)
    new = await stores(DEBTS, Aim.REBUILD)
    await write(new, shown("b-1", owed=5))
    assert await seen(store, start) == []
    await write(store, shown("b-1", owed=2))
    assert await seen(store, start) == [("b-1", 2)]


async def test_where_another_version_serves_nothing_is_told(stores: Stores) -> None:
    store = await remembering(stores)
    new = await stores(replace(DEBTS, version=2))
    assert await new.take_over()
    with pytest.raises(Replaced):
        async with store.changes():
            pass


@pytest.mark.parametrize("mark", [Mark(7, 0), Mark(1, 9)])
async def test_a_mark_of_what_is_no_longer_there_is_lost(stores: Stores, mark: Mark) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1))
    with pytest.raises(Lost):
        await seen(store, mark)


async def test_where_it_was_a_while_ago_goes_by_the_servers_clock(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1", owed=1))
    async with store.changes() as source:
        assert await source.ago(0) == await source.ago(10) == await now(store)
    await store.remember()
    first = await now(store)
    await write(store, shown("b-1", owed=2))
    async with store.changes() as source:
        assert await source.ago(3600) == first
        assert await source.ago(-10) == first._replace(moment=first.moment + 1)
    new = await rebuilt(stores, shown("b-1", owed=2), at=2)
    async with new.changes() as source:
        assert await source.ago(3600) == first
        assert await source.ago(-10) == await now(new)


async def test_how_far_all_was_told_is_noted_for_the_next_one(stores: Stores) -> None:
    store, other = await stores(DEBTS), await stores(DEBTS)
    another = await stores(replace(DEBTS, name="others"))
    assert await store.noted() is None
    for mark in (Mark(1, 5), Mark(1, 6, "b-1"), None, Mark(2, 7)):
        await store.note(mark)
        assert await other.noted() == mark
    assert await another.noted() is None
