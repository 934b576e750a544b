"""How rows were, as every store of views remembers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bus.store.port import Checkpoint
from bus.views.build import Aim
from bus.views.memory import MemoryViewStore
from bus.views.past import NotRemembered, Touched
from bus.views.port import ViewStore
from tests.contract.views.conftest import Stores
from tests.contract.views.sample import DEBTS
from tests.contract.views.test_view_store import shown, write

LATER = timedelta(hours=1)
BEGIN = Touched(0, "")


async def as_of(store: ViewStore, bills: int, money: int = 0) -> Mapping[str, Any]:
    """Every row, by key, as it was at these positions at the latest."""
    async with store.history() as history:
        past = await history.at(DEBTS, {"bills": bills, "money": money})
        page = await (await past.rows(())).find({}, order="owed", limit=1000)
        return {row["id"]: row["owed"] for row in page.rows}


async def remembering(stores: Stores) -> ViewStore:
    store = await stores(DEBTS)
    await store.remember()
    return store


async def test_rows_are_as_they_were_after_each_write(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1), shown("b-2", owed=20))
    await write(store, shown("b-1", owed=2), shown("b-3", owed=30))
    await write(store, shown("b-2", owed=21))
    assert await as_of(store, 0) == {}
    assert await as_of(store, 1) == {"b-1": 1, "b-2": 20}
    assert await as_of(store, 2) == {"b-1": 2, "b-2": 20, "b-3": 30}
    assert await as_of(store, 3) == {"b-1": 2, "b-2": 21, "b-3": 30}


async def test_the_last_write_that_is_not_beyond_in_any_stream_counts(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1), places={"bills": Checkpoint(10, "e-10")})
    await write(store, shown("b-1", owed=2), places={"money": Checkpoint(5, "m-5")}, domain="money")
    await write(store, shown("b-1", owed=3), places={"bills": Checkpoint(20, "e-20")})
    assert await as_of(store, 15, 9) == {"b-1": 2}
    assert await as_of(store, 25, 4) == {"b-1": 1}
    assert await as_of(store, 9, 9) == {}
    async with store.history() as history:
        (past,) = (await history.at(DEBTS, {"bills": 15, "money": 9})).parts
        assert past.positions == {"bills": 10, "money": 5}


async def test_a_row_that_nobody_saw_any_more_was_seen_before(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1))
    gone = shown("b-1")._replace(row=None, columns=(None, None, None))
    await write(store, gone)
    assert await as_of(store, 1) == {"b-1": 1}
    assert await as_of(store, 2) == {}


async def test_slots_are_as_they_were(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", "ann"))
    await write(store, shown("b-1", "bob"), shown("b-2", "cleo"))
    async with store.history() as history:
        (past,) = (await history.at(DEBTS, {"bills": 1, "money": 0})).parts
        slots = await past.slots(["b-1", "b-2"])
    assert slots == {"b-1": shown("b-1", "ann").slots}


async def test_changed_rows_stand_in_for_those_under_their_keys(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, *(shown(f"b-{n}", "ann", n) for n in range(5)))
    await write(store, *(shown(f"b-{n}", "ann", 9) for n in range(5)))
    gone = shown("b-3")._replace(row=None, columns=(None, None, None))
    async with store.history() as history:
        past = await history.at(DEBTS, {"bills": 1, "money": 0})
        rows = await past.rows([shown("b-1", "ann", 7), shown("b-8", "bob", 8), gone])
        found = await rows.find({"who": "ann"}, order="owed", descending=True, limit=2)
        assert [row["id"] for row in found.rows] == ["b-1", "b-4"]
        rest = await rows.find({"who": "ann"}, order="owed", descending=True, after=found.next)
        assert [row["id"] for row in rest.rows] == ["b-2", "b-0"]
        assert list(await rows.many(["b-8", "b-3", "b-0"])) == ["b-8", "b-0"]


async def test_a_snapshot_is_of_one_moment_whatever_is_written_meanwhile(stores: Stores) -> None:
    store, other = await remembering(stores), await stores(DEBTS)
    await write(other, *(shown(f"b-{n}", "ann", n) for n in range(5)))
    if isinstance(store, MemoryViewStore):
        return  # here no write can come between
    async with store.snapshot() as snapshot:
        assert await snapshot.rows.get("b-0") == {"id": "b-0", "who": "ann", "owed": 0, "note": ""}
        await write(other, shown("b-0", "bob", 50), shown("b-9", "ann", 9), shown("b-3", "ann", 60))
        found = await snapshot.rows.find({"who": "ann"}, order="owed")
        assert [row["id"] for row in found.rows] == [f"b-{n}" for n in range(5)]
        assert (await snapshot.rows.get("b-3") or {})["owed"] == 3
        assert await snapshot.rows.get("b-9") is None
        assert snapshot.positions == {"bills": 1, "money": 0}


async def test_what_was_before_is_not_remembered(stores: Stores) -> None:
    store = await stores(DEBTS)
    with pytest.raises(NotRemembered, match="remembers none of its earlier rows"):
        await as_of(store, 1)
    await write(store, shown("b-1", owed=1))
    await store.remember()
    await write(store, shown("b-1", owed=2))
    assert await as_of(store, 1) == {"b-1": 1}
    with pytest.raises(NotRemembered, match="bills=1, money=0 on") as caught:
        await as_of(store, 0)
    assert caught.value.since == {"bills": 1, "money": 0}


async def test_to_remember_once_more_changes_nothing(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-1", owed=1))
    await write(store, shown("b-1", owed=2))
    await store.remember()
    assert await as_of(store, 1) == {"b-1": 1}


async def test_what_is_old_is_forgotten_but_for_how_the_rows_were_then(stores: Stores) -> None:
    store = await remembering(stores)
    for owed in (1, 2, 3):
        await write(store, shown("b-1", owed=owed))
    await store.trim(datetime.now(UTC) - LATER)
    assert await as_of(store, 1) == {"b-1": 1}
    await store.trim(datetime.now(UTC) + LATER)
    assert await as_of(store, 3) == {"b-1": 3}
    with pytest.raises(NotRemembered, match="bills=3, money=0 on"):
        await as_of(store, 2)
    await write(store, shown("b-1", owed=4))
    assert (await as_of(store, 3), await as_of(store, 4)) == ({"b-1": 3}, {"b-1": 4})


async def test_the_build_that_served_before_knows_what_was_then(stores: Stores) -> None:
    before = await remembering(stores)
    for owed in (1, 2):
        await write(before, shown("b-1", owed=owed))
    new = await stores(DEBTS, Aim.REBUILD)
    await write(new, shown("b-1", owed=2), places={"bills": Checkpoint(2, "event-2")})
    await new.remember()
    assert await new.take_over()
    await before.state()
    await write(before, shown("b-1", owed=3))
    assert [await as_of(before, n) for n in (1, 2, 3)] == [{"b-1": n} for n in (1, 2, 3)]


async def changed(
    store: ViewStore, one: int, other: int, behind: Touched = BEGIN, most: int = 100
) -> Sequence[Touched]:
    """Where keys were touched between two positions of bills."""
    async with store.history() as history:
        before, after = [await history.at(DEBTS, {"bills": n, "money": 0}) for n in (one, other)]
        return await history.changed(before, after, behind, most)


def keys(touched: Sequence[Touched]) -> Sequence[str]:
    return [one.key for one in touched]


async def test_keys_are_named_once_in_the_order_in_which_they_were_written(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-0"), shown("b-1"), shown("b-2"))
    await write(store, shown("b-5"), shown("b-2", owed=2))  # one is new, one is replaced
    await write(store, shown("b-4"))
    await write(store, shown("b-4", owed=9), shown("b-2", owed=3))
    found = await changed(store, 1, 4)
    assert keys(found) == keys(await changed(store, 4, 1)) == ["b-2", "b-5", "b-4"]
    assert keys(await changed(store, 1, 2)) == ["b-2", "b-5"]
    assert keys(await changed(store, 2, 4)) == ["b-4", "b-2"]
    assert keys(await changed(store, 3, 3)) == []
    assert await changed(store, 1, 4, most=2) == found[:2]
    for place in range(3):
        assert await changed(store, 1, 4, behind=found[place]) == found[place + 1 :]
    assert keys(await changed(store, 0, 4)) == ["b-0", "b-1", "b-2", "b-5", "b-4"]


async def test_few_keys_are_found_in_very_many_writes(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-0"))
    for owed in range(150):
        await write(store, shown("b-1", owed=owed))
    await write(store, shown("b-2"))
    assert keys(await changed(store, 1, 152)) == ["b-1", "b-2"]
    assert keys(await changed(store, 2, 152, most=1)) == ["b-1"]
    assert keys(await changed(store, 151, 152)) == ["b-2"]


async def test_what_was_new_was_not_there_before(stores: Stores) -> None:
    store = await remembering(stores)
    await write(store, shown("b-0"))
    await write(store, shown("b-1"))
    await write(store, shown("b-1", owed=2))
    assert await as_of(store, 1) == {"b-0": 1}
    async with store.history() as history:
        (past,) = (await history.at(DEBTS, {"bills": 1, "money": 0})).parts
        assert await past.slots(["b-1"]) == {}


async def test_between_two_builds_all_keys_are_named(stores: Stores) -> None:
    before = await remembering(stores)
    await write(before, shown("b-1"), shown("b-3"))
    new = await stores(DEBTS, Aim.REBUILD)
    rows = [shown("b-1"), shown("b-2"), shown("b-3")]
    await write(new, *rows, places={"bills": Checkpoint(2, "event-2")})
    await new.remember()
    assert await new.take_over()
    found = await changed(new, 1, 2)
    assert keys(found) == ["b-1", "b-2", "b-3"]
    assert await changed(new, 1, 2, behind=found[0], most=1) == found[1:2]


async def test_what_is_forgotten_is_not_named(stores: Stores) -> None:
    store = await remembering(stores)
    for owed in (1, 2, 3):
        await write(store, shown("b-1", owed=owed))
    await store.trim(datetime.now(UTC) + LATER)
    await write(store, shown("b-2"))
    assert keys(await changed(store, 3, 4)) == ["b-2"]
    with pytest.raises(NotRemembered):
        await changed(store, 2, 4)
