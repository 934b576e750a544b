"""Slots are remembered between batches, and never longer than they are true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bus.clock import SystemClock
from bus.owner import Delivered
from bus.views import known
from bus.views.builder import Builder
from bus.views.memory import MemoryViews, MemoryViewStore
from tests.contract.views.sample import BILLS, DEBTS, Billed
from tests.contract.views.scene import written


class Counting(MemoryViewStore):
    """Notes which slots are loaded."""

    def __init__(self, views: MemoryViews) -> None:
        super().__init__(DEBTS, views)
        self.loaded: list[str] = []

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        self.loaded += keys
        return await super().load(keys)


def billed(position: int, id: str = "b-1") -> Delivered:
    body = written(BILLS, id, Billed(who="ann", amount=10**position)).body
    return Delivered(position, "Billed", body)


async def begun(views: MemoryViews) -> tuple[Builder, Counting]:
    store = Counting(views)
    await store.open()
    builder = Builder(store, SystemClock(), lambda: None)
    await builder.begin()
    return builder, store


async def take(builder: Builder, batch: Sequence[Delivered]) -> None:
    await builder.put({"bills": await builder.read("bills", batch)})


async def owed(store: MemoryViewStore) -> Any:
    async with store.snapshot() as snapshot:
        return {row["id"]: row["owed"] for row in (await snapshot.rows.find({})).rows}


async def test_what_was_written_last_is_not_loaded_again() -> None:
    builder, store = await begun(MemoryViews())
    for position in (1, 2, 3):
        await take(builder, [billed(position)])
    assert store.loaded == ["b-1"]
    assert await owed(store) == {"b-1": 1110}


async def test_what_another_process_wrote_is_loaded() -> None:
    views = MemoryViews()
    (one, store), (other, _) = await begun(views), await begun(views)
    await take(one, [billed(1)])
    await take(other, [billed(1), billed(2)])
    await take(one, [billed(2), billed(3)])
    assert await owed(store) == {"b-1": 1110}


async def test_after_a_loss_nothing_is_remembered() -> None:
    views = MemoryViews()
    builder, store = await begun(views)
    await take(builder, [billed(1)])
    views.flush()
    await builder.begin()
    await take(builder, [billed(1)])
    assert await owed(store) == {"b-1": 10}


async def test_of_many_rows_those_written_first_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "MOST", 2)
    builder, store = await begun(MemoryViews())
    for position, id in enumerate(("b-1", "b-2", "b-1", "b-3", "b-1", "b-2"), start=1):
        await take(builder, [billed(position, id)])
    assert store.loaded == ["b-1", "b-2", "b-3", "b-2"]
