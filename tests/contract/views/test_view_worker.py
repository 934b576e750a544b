"""Every event is in the rows once, whatever happens to streams, stores and workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace as changed

from bus.broker.port import NoResponders
from bus.store.port import StoreUnavailable
from bus.view import Source
from bus.views.port import Change, ViewStore
from tests.contract.views.sample import BILLS, Billed, Noise, Row
from tests.contract.views.sample import row as debt
from tests.contract.views.scene import Scene, written


async def test_a_row_is_made_of_all_its_streams(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "ann", 10), ("b-2", "bob", 5))
    await scene.pay(("b-1", 3), ("b-1", 4), ("b-9", 1))
    await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 3), "b-2": ("bob", 5)}
    await scene.bill(("b-9", "eve", 8))
    await scene.at_rest()
    assert (await scene.rows())["b-9"] == ("eve", 7)


async def test_what_a_view_does_not_want_moves_it_on_all_the_same(scene: Scene) -> None:
    await scene.worker()
    await scene.publish("bills", *(written(BILLS, "b-1", Noise()) for _ in range(3)))
    await scene.at_rest()
    assert await scene.rows() == {}


async def test_a_worker_goes_on_where_the_last_one_was(scene: Scene) -> None:
    first = await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    await scene.at_rest()
    await scene.stop(first)
    await scene.bill(("b-1", "ann", 5))
    await scene.worker()
    await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 15)}


async def test_a_stream_that_is_written_again_is_not_folded_again(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(*((f"b-{n % 5}", "ann", 1) for n in range(50)))
    await scene.at_rest()
    await scene.publish_all_again("bills")
    await scene.bill(("b-0", "ann", 100))
    await scene.at_rest()
    assert await scene.rows() == {
        "b-0": ("ann", 110),
        **{f"b-{n}": ("ann", 10) for n in range(1, 5)},
    }


async def test_a_hole_in_a_stream_is_filled_from_its_owner(scene: Scene) -> None:
    await scene.bill(*((f"b-{n}", "ann", n) for n in range(20)))
    for sequence in (1, 7, 8, 20):
        await scene.lose_message("bills", sequence)
    await scene.serve_log(BILLS)
    await scene.worker()
    await scene.bill(("b-x", "bob", 1))
    await scene.at_rest()
    assert await scene.rows() == {**{f"b-{n}": ("ann", n) for n in range(20)}, "b-x": ("bob", 1)}


async def test_several_workers_fold_each_event_once(scene: Scene) -> None:
    for _ in range(3):
        await scene.worker()
    for n in range(30):
        await scene.bill(*((f"b-{k}", "ann", 2) for k in range(4)))
        await scene.pay(*((f"b-{k}", 1) for k in range(4)))
        if n % 10 == 0:
            await scene.ground.breathe()
    await scene.at_rest()
    assert await scene.rows() == {f"b-{k}": ("ann", 30) for k in range(4)}


class Outages:
    """A store that can't be reached now and then: before a write, or right after it."""

    def __init__(self, store: ViewStore) -> None:
        self._store = store
        self.writes = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def write(self, change: Change) -> None:
        self.writes += 1
        if self.writes % 3 == 1:
            raise StoreUnavailable("before")
        await self._store.write(change)
        if self.writes % 3 == 2:
            raise StoreUnavailable("after", unknown=True)


async def test_an_outage_of_the_store_loses_and_doubles_nothing(scene: Scene) -> None:
    await scene.worker(wrapped=Outages)  # type: ignore[arg-type]
    for _ in range(5):
        await scene.bill(("b-1", "ann", 10))
        await scene.pay(("b-1", 1))
        await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 45)}


async def flush(scene: Scene) -> None:
    if scene.backend == "memory":
        scene.ground.views.flush()  # type: ignore[attr-defined]
    else:
        store = await scene.store()
        await store.open()
        await store._redis.flushall()  # type: ignore[attr-defined]
        await store.close()


async def test_a_view_whose_store_was_emptied_is_built_anew(scene: Scene) -> None:
    if scene.backend == "postgres":
        return  # a database does not forget by itself
    await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    await scene.pay(("b-1", 1), ("b-1", 2))
    await scene.at_rest()
    await flush(scene)

    async def back() -> bool:
        try:
            return await scene.rows() == {"b-1": ("ann", 7)}
        except StoreUnavailable:
            return False

    await scene.until(back)
    await scene.bill(("b-1", "ann", 1))
    await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 8)}


async def test_a_new_version_answers_when_it_is_built_and_not_before(scene: Scene) -> None:
    await scene.bill(("b-1", "ann", 10))
    old = await scene.worker()
    await scene.at_rest()
    await scene.stop(old)

    def twice(slots: Mapping[str, Any]) -> Row | None:
        row = debt(slots)
        return row and changed(row, owed=2 * row.owed)

    await scene.broker.delete_stream("money")  # so that it can't be built yet
    new = replace(scene.view, version=2, row=twice)
    await scene.worker(new)
    with pytest.raises(NoResponders):
        await scene.ask("get.b-1")
    await scene.broker.ensure_stream("money")

    async def answers() -> bool:
        try:
            return bool((await scene.ask("get.b-1"))["owed"] == 20)
        except NoResponders:
            return False

    await scene.until(answers)


async def test_another_event_at_the_checkpoint_stops_the_view_and_says_why(scene: Scene) -> None:
    worker = await scene.worker()
    await scene.bill(("b-1", "ann", 10), ("b-2", "bob", 1))
    await scene.at_rest()
    await scene.stop(worker)
    scene.streams["bills"][-1] = written(BILLS, "b-2", Billed(who="bob", amount=2))
    await scene.publish_all_again("bills")
    stopped = await scene.worker()

    async def halted() -> bool:
        return bool(stopped.problems)

    await scene.until(halted)
    assert "backup" in stopped.problems["streams"]
    answer = await scene.ask("get.b-1")
    assert (answer["status"], answer["code"]) == ("unavailable", "ViewStopped")
    assert "backup" in answer["message"]
    assert stopped.status().problems == stopped.problems


class OtherSlot(Struct, frozen=True):
    colour: str


async def test_slots_of_another_shape_stop_the_view_and_say_so(scene: Scene) -> None:
    first = await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    await scene.at_rest()
    await scene.stop(first)
    other = [Source(BILLS, OtherSlot, (Billed,)), scene.view.sources[1]]
    worker = await scene.worker(replace(scene.view, sources=other))
    await scene.bill(("b-1", "ann", 10))

    async def halted() -> bool:
        return "raise its version" in worker.problems.get("streams", "")

    await scene.until(halted)
