"""A view's process says how far behind it is, for how long, and what it has parked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec

from bus.lag import STALL
from bus.views.port import Change, ViewStore
from tests.contract.views.sample import BILLS, Billed
from tests.contract.views.scene import TIME, Scene, written

UP_TO_DATE = {"behind": 0, "oldest": 0.0, "stalled": False, "parked": {"events": 0, "keys": 0}}


class Held:
    """A store that writes only once it is `released`; `tried` when somebody waits for that."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.released.set()
        self.tried = asyncio.Event()

    def around(self, store: ViewStore) -> ViewStore:
        self._store = store
        return self  # type: ignore[return-value]

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def write(self, change: Change) -> None:
        if not self.released.is_set():
            self.tried.set()
        await self.released.wait()
        await self._store.write(change)


async def streams(scene: Scene) -> dict[str, Any]:
    reply = await scene.broker.request("status.view-debts")
    return dict(msgspec.json.decode(reply.body)["streams"])


def but_rate(lag: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in lag.items() if name != "rate"}


async def test_a_view_that_has_heard_everything_is_not_behind(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "ann", 1), ("b-2", "bob", 2))
    await scene.at_rest()
    found = await streams(scene)
    assert but_rate(found["bills"]) == {"position": 2, **UP_TO_DATE}
    assert but_rate(found["money"]) == {"position": 0, **UP_TO_DATE}
    assert found["bills"]["rate"] > 0
    assert found["money"]["rate"] == 0


async def test_a_view_that_is_held_back_says_by_how_much_and_since_when(scene: Scene) -> None:
    held = Held()
    await scene.worker(wrapped=held.around)
    await scene.bill(("b-1", "ann", 1))
    await scene.at_rest()
    held.released.clear()
    await scene.bill(*((f"b-{n}", "bob", n) for n in range(5)))

    async def tried() -> bool:
        return held.tried.is_set()

    await scene.until(tried)
    scene.ground.clock.advance(timedelta(seconds=STALL))
    before = (scene.ground.clock.now() - TIME).total_seconds()
    bills = (await streams(scene))["bills"]
    after = (scene.ground.clock.now() - TIME).total_seconds()
    assert (bills["position"], bills["behind"], bills["stalled"]) == (1, 5, True)
    assert before - 0.001 <= bills["oldest"] <= after + 0.001
    held.released.set()
    await scene.at_rest()
    assert but_rate((await streams(scene))["bills"]) == {"position": 6, **UP_TO_DATE}


async def test_parked_events_and_keys_are_counted(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "ann", -1), ("b-1", "ann", 4), ("b-2", "bob", -1), ("b-3", "eve", 1))
    await scene.at_rest()
    found = await streams(scene)
    assert found["bills"]["parked"] == {"events": 3, "keys": 2}
    assert found["bills"]["behind"] == 0
    assert found["money"]["parked"] == {"events": 0, "keys": 0}


async def test_a_stopped_view_still_says_how_far_behind_it_is(scene: Scene) -> None:
    first = await scene.worker()
    await scene.bill(("b-1", "ann", 10), ("b-2", "bob", 1))
    await scene.at_rest()
    await scene.stop(first)
    scene.streams["bills"][-1] = written(BILLS, "b-2", Billed(who="bob", amount=2))
    await scene.publish_all_again("bills")
    await scene.bill(("b-3", "eve", 1))
    stopped = await scene.worker()

    async def halted() -> bool:
        return bool(stopped.problems)

    await scene.until(halted)
    scene.ground.clock.advance(timedelta(seconds=STALL))
    bills = (await streams(scene))["bills"]
    assert (bills["position"], bills["behind"], bills["stalled"]) == (2, 1, True)
    assert bills["oldest"] >= STALL


async def test_without_its_stream_a_view_says_that_nobody_knows(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "ann", 1))
    await scene.at_rest()
    await scene.broker.delete_stream("bills")
    bills = (await streams(scene))["bills"]
    assert (bills["position"], bills["behind"], bills["oldest"]) == (1, None, None)
    assert bills["stalled"] is False
