"""Old receipts go, the oldest first and a few at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bus.clock import SystemClock
from bus.store.port import Append, Store
from bus.trimming import PORTION, Trimming
from tests.contract.store.building import ORDER, Another, placed, receipt

HOUR = timedelta(hours=1)


async def recorded(store: Store, *ids: str) -> None:
    await store.append(Append(receipts=[receipt(id) for id in ids]))


async def test_receipts_recorded_before_a_time_go_and_later_ones_stay(store: Store) -> None:
    await recorded(store, "c-1")
    before = datetime.now(UTC)
    while (between := datetime.now(UTC)) <= before:
        pass  # a microsecond at most
    await recorded(store, "c-2")

    assert await store.trim_receipts(between, 10) == 1
    assert set(await store.receipts(["c-1", "c-2"])) == {"c-2"}


async def test_no_more_go_at_once_than_are_asked_for(store: Store) -> None:
    await recorded(store, "c-1")
    await recorded(store, "c-2", "c-3")
    later = datetime.now(UTC) + HOUR

    assert await store.trim_receipts(later, 1) == 1
    assert set(await store.receipts(["c-1", "c-2", "c-3"])) == {"c-2", "c-3"}
    assert await store.trim_receipts(later, 5) == 2
    assert await store.trim_receipts(later, 5) == 0


async def test_a_trimmed_commands_id_can_be_used_again(store: Store) -> None:
    await recorded(store, "c-1")
    await store.trim_receipts(datetime.now(UTC) + HOUR, 10)

    await recorded(store, "c-1")

    assert set(await store.receipts(["c-1"])) == {"c-1"}


async def test_trimming_waits_for_nobody_who_holds_the_head(store: Store, another: Another) -> None:
    await recorded(store, "c-1")
    holder = await another()

    async with holder.exclusive() as transaction:
        async with asyncio.timeout(10):
            assert await store.trim_receipts(datetime.now(UTC) + HOUR, 10) == 1
        await transaction.append(placed(ORDER))


async def test_all_that_is_too_old_goes_in_portions(store: Store) -> None:
    await recorded(store, *(f"c-{n}" for n in range(PORTION + 1)))
    trimming = Trimming(store, SystemClock(), -HOUR)

    await trimming.trim()

    assert trimming.trimmed == PORTION + 1
    assert await store.receipts(["c-0", f"c-{PORTION}"]) == {}


async def test_what_is_young_enough_stays(store: Store) -> None:
    await recorded(store, "c-1")
    trimming = Trimming(store, SystemClock(), HOUR)

    await trimming.trim()

    assert set(await store.receipts(["c-1"])) == {"c-1"}
