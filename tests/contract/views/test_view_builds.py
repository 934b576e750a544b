"""What every store of views promises of a view's builds: one is asked, others stand beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bus.clock import uuid7
from bus.store.port import START, Checkpoint, StoreUnavailable
from bus.views.build import Aim, Stage
from bus.views.port import NothingKept, NothingServes, Replaced, Superseded, ViewStore
from tests.contract.views.conftest import Stores
from tests.contract.views.sample import DEBTS
from tests.contract.views.test_view_store import all_pages, shown, waiting, write

SECOND = replace(DEBTS, version=2, columns={"who": str})


async def stages(store: ViewStore) -> Sequence[tuple[int, int, Stage]]:
    return [(build.number, build.version, build.stage) for build in await store.builds()]


async def who(store: ViewStore, key: str = "b-1") -> str | None:
    async with store.snapshot() as snapshot:
        row = await snapshot.rows.get(key)
    return None if row is None else str(row["who"])


async def test_the_first_build_serves_from_the_start(stores: Stores) -> None:
    store = await stores(DEBTS)
    assert await stages(store) == [(1, 1, Stage.SERVING)]
    other = await stores(DEBTS, Aim.REBUILD)
    assert await stages(other) == [(1, 1, Stage.SERVING), (2, 1, Stage.MAKING)]


async def test_a_rebuild_has_rows_and_places_of_its_own(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1", "ann", 1), parked=[waiting("bill/b-7", 1)])
    new = await stores(DEBTS, Aim.REBUILD)
    state = await new.state()
    assert state.stage is Stage.MAKING
    assert state.checkpoints["bills"] == START
    assert await new.load(["b-1"]) == {}
    assert await new.parked() == []
    await write(new, shown("b-1", "bob"))
    assert await who(store) == "ann"
    assert await who(new) == "bob"
    async with store.snapshot() as snapshot:
        assert (await snapshot.rows.of("debts").get("b-1") or {})["who"] == "ann"


async def test_it_takes_over_once_it_is_as_far(stores: Stores) -> None:
    store, new = await stores(DEBTS), await stores(DEBTS, Aim.REBUILD)
    await write(store, shown("b-1", "ann"), domain="bills")
    await write(store, shown("b-1", "ann"), domain="money")
    await write(new, shown("b-1", "bob"), domain="bills")
    stamp = (await store.state()).stamp
    assert not await new.take_over()
    assert (await store.state()).stamp == stamp
    assert await who(store) == "ann"
    await write(new, shown("b-1", "bob"), domain="money")
    await new.ready()
    assert await new.take_over()
    assert await stages(new) == [(1, 1, Stage.KEPT), (2, 1, Stage.SERVING)]
    assert (await new.state()).serving
    assert await all_pages(store, {"who": "bob"}) == ["b-1"]
    async with store.snapshot() as snapshot:
        assert (await snapshot.rows.of("debts").get("b-1") or {})["who"] == "bob"


async def test_who_wrote_to_the_one_that_served_goes_on_with_the_other(stores: Stores) -> None:
    store, new = await stores(DEBTS), await stores(DEBTS, Aim.REBUILD)
    change = await write(store, shown("b-1", "ann"))
    await write(new, shown("b-1", "bob"))
    await write(new, shown("b-2", "bob"))
    assert await new.take_over()
    late = replace(change, stamp=change.next_stamp, next_stamp=uuid7())
    with pytest.raises(Superseded):
        await store.write(late)
    state = await store.state()
    assert state.serving
    assert state.checkpoints["bills"] == Checkpoint(2, "event-2")
    await write(store, shown("b-3", "eve"))
    assert [await who(new, key) for key in ("b-1", "b-2", "b-3")] == ["bob", "bob", "eve"]


async def test_a_rebuild_that_was_broken_off_goes_on(stores: Stores) -> None:
    await stores(DEBTS)
    first = await stores(DEBTS, Aim.REBUILD)
    await write(first, shown("b-1", "bob"))
    again = await stores(DEBTS, Aim.REBUILD)
    assert (await again.state()).checkpoints["bills"] == Checkpoint(1, "event-1")
    assert await who(again) == "bob"


async def test_a_fresh_one_begins_anew_and_drops_what_was_begun(stores: Stores) -> None:
    await stores(DEBTS)
    first = await stores(DEBTS, Aim.REBUILD)
    change = await write(first, shown("b-1", "bob"))
    fresh = await stores(DEBTS, Aim.AFRESH)
    assert (await fresh.state()).checkpoints["bills"] == START
    assert [stage for _, _, stage in await stages(fresh)] == [Stage.SERVING, Stage.MAKING]
    late = replace(change, stamp=change.next_stamp, next_stamp=uuid7())
    with pytest.raises(Superseded):
        await first.write(late)
    await write(fresh, shown("b-1", "eve"))
    assert (await fresh.state()).checkpoints["bills"] == Checkpoint(1, "event-1")
    assert (await first.state()).stamp == (await fresh.state()).stamp  # both go on together


async def test_what_served_is_kept_and_one_can_go_back(stores: Stores) -> None:
    store, new = await stores(DEBTS), await stores(DEBTS, Aim.REBUILD)
    await write(store, shown("b-1", "ann"))
    await write(new, shown("b-1", "bob"))
    assert await new.take_over()
    await write(store, shown("b-2", "bob"))
    back = await stores(DEBTS, Aim.BACK)
    assert await who(store) == "bob"
    assert (await back.state()).checkpoints["bills"] == Checkpoint(1, "event-1")
    assert not await back.take_over()
    await write(back, shown("b-2", "ann"))
    assert await back.take_over()
    assert await who(store, "b-2") == "ann"
    assert await stages(store) == [(1, 1, Stage.SERVING), (2, 1, Stage.KEPT)]


async def test_where_nothing_is_kept_one_can_not_go_back(stores: Stores) -> None:
    await stores(DEBTS)
    with pytest.raises(NothingKept, match="no build of version 1 of the view debts is kept"):
        await stores(DEBTS, Aim.BACK)


async def test_whoever_only_looks_begins_nothing(stores: Stores) -> None:
    with pytest.raises(NothingServes, match="start its process"):
        await stores(DEBTS, Aim.ASKED)
    store = await stores(DEBTS)
    looking = await stores(SECOND, Aim.ASKED)
    await write(store, shown("b-1", "ann"))
    assert (await looking.state()).checkpoints["bills"] == Checkpoint(1, "event-1")
    new = await stores(DEBTS, Aim.REBUILD)
    await write(new, shown("b-1", "bob"))
    assert await new.take_over()
    assert (await looking.state()).stamp == (await new.state()).stamp
    assert len(await looking.builds()) == 2


async def test_one_is_kept_and_only_for_a_time(stores: Stores) -> None:
    store = await stores(DEBTS)
    for number in (2, 3):
        new = await stores(DEBTS, Aim.REBUILD)
        assert await new.take_over()
        assert await stages(store) == [(number - 1, 1, Stage.KEPT), (number, 1, Stage.SERVING)]
    now = datetime.now(UTC)
    await store.tidy(now - timedelta(hours=1))
    assert len(await store.builds()) == 2
    await store.tidy(now + timedelta(hours=1))
    assert await stages(store) == [(3, 1, Stage.SERVING)]
    assert (await store.state()).serving


async def test_what_is_in_the_making_of_a_later_version_stays(stores: Stores) -> None:
    await stores(DEBTS)
    later = await stores(SECOND)
    await write(later, shown("b-1", "bob")._replace(columns=("bob",)))
    new = await stores(DEBTS, Aim.REBUILD)
    assert await new.take_over()
    assert await stages(new) == [
        (1, 1, Stage.KEPT),
        (2, 2, Stage.MAKING),
        (3, 1, Stage.SERVING),
    ]
    assert (await later.state()).checkpoints["bills"].position == 1


async def test_a_new_version_takes_over_and_the_old_one_says_so(stores: Stores) -> None:
    old = await stores(DEBTS)
    await write(old, shown("b-1", "ann", 1))
    new = await stores(SECOND)
    assert not (await new.state()).serving
    assert not await new.take_over()
    await write(new, shown("b-1", "bob")._replace(columns=("bob",)))
    assert await all_pages(old, {"who": "ann"}) == ["b-1"]
    assert await new.take_over()
    assert await all_pages(new, {"who": "bob"}) == ["b-1"]
    with pytest.raises(Replaced, match="another version of the view debts"):
        await old.state()
    with pytest.raises(Replaced):
        await who(old)


async def test_an_old_version_that_starts_again_does_not_take_over_by_itself(
    stores: Stores,
) -> None:
    await stores(DEBTS)
    assert await (await stores(SECOND)).take_over()
    with pytest.raises(Replaced):
        await stores(DEBTS)
    back = await stores(DEBTS, Aim.BACK)
    assert await back.take_over()
    assert (await (await stores(DEBTS)).state()).serving
    with pytest.raises(NothingKept, match="only of version 2"):
        await stores(DEBTS, Aim.BACK)


async def test_of_several_that_take_over_at_once_all_have(stores: Stores) -> None:
    await stores(DEBTS)
    several = [await stores(DEBTS, Aim.REBUILD) for _ in range(4)]
    assert await asyncio.gather(*(store.take_over() for store in several)) == [True] * 4
    assert await stages(several[0]) == [(1, 1, Stage.KEPT), (2, 1, Stage.SERVING)]


async def test_several_may_begin_a_rebuild_at_once(stores: Stores) -> None:
    await stores(DEBTS)
    several = await asyncio.gather(*(stores(DEBTS, Aim.REBUILD) for _ in range(5)))
    assert len({(await store.state()).stamp for store in several}) == 1
    assert len(await several[0].builds()) == 2


async def test_rows_that_have_vanished_are_not_taken_for_another_version(
    stores: Stores, backend: str
) -> None:
    store: Any = await stores(DEBTS)
    await write(store, shown("b-1"))
    match backend:
        case "memory":
            store._views.flush()
        case "postgres":
            async with store._connections.asking() as connection:
                await connection.execute("delete from view_builds")
        case "redis":
            await store._redis.unlink(store._names.head)
    with pytest.raises(StoreUnavailable):
        await who(store)
