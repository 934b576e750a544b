"""Rows are made anew while the old ones are asked, compared, and take over in one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from bus.broker.port import NoResponders
from bus.views import comparing, rebuild, shadow
from bus.views.build import Aim, Stage
from bus.views.port import Change, RowChange
from bus.views.rebuild import Rebuild, Report
from tests.contract.views.sample import Row
from tests.contract.views.sample import row as debt
from tests.contract.views.scene import Scene


def twice(slots: Mapping[str, Any]) -> Row | None:
    row = debt(slots)
    return row and changed(row, owed=2 * row.owed)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many steps and stretches, though there is little."""
    monkeypatch.setattr(shadow, "STEP", 7)
    monkeypatch.setattr(rebuild, "NEAR", 3)
    monkeypatch.setattr(comparing, "KEYS", 4)


async def some_debts(scene: Scene) -> Mapping[str, tuple[str, int]]:
    for n in range(10):
        await scene.bill(*((f"b-{k}", "ann", n + k) for k in range(10)))
        await scene.pay(*((f"b-{k}", n) for k in range(n)))
    await scene.at_rest()
    return await scene.rows()


async def alter(scene: Scene, key: str, row: str) -> None:
    """Behind the runtime's back, but for the stamp."""
    store = await scene.store()
    await store.open()
    state = await store.state()
    new = RowChange(key, {}, row, ("eve", 1, ""))
    await store.write(Change(state.stamp, f"{state.stamp}-altered", {}, [new]))
    await store.close()


async def test_the_same_rows_come_out_and_take_over(scene: Scene) -> None:
    await scene.worker()
    before = await some_debts(scene)
    answer = await scene.reply("get.b-1")
    async with scene.rebuilding() as rebuilding:
        report = await rebuilding.run()
    assert await scene.rows() == before
    assert (await scene.reply("get.b-1")).body == answer.body
    assert (report.compared, report.differing, report.took_over) == (10, 0, True)
    assert report.positions == {domain: len(of) for domain, of in scene.streams.items()}
    assert report.done == report.total == sum(report.positions.values())
    assert await scene.builds() == [(1, 1, Stage.KEPT), (2, 1, Stage.SERVING)]
    await scene.bill(("b-new", "bob", 1))
    await scene.at_rest()
    assert await scene.rows() == {**before, "b-new": ("bob", 1)}


async def test_a_last_stretch_that_is_long_is_compared_whole(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "KEYS", 3000)
    await scene.worker()
    await scene.bill(*((f"b-{n}", "ann", n) for n in range(2500)))
    await scene.at_rest()
    async with scene.rebuilding() as rebuilding:
        report = await rebuilding.run()
    assert (report.compared, report.differing) == (2500, 0)


async def test_a_row_that_was_altered_is_named_and_made_right(scene: Scene) -> None:
    await scene.worker()
    before = await some_debts(scene)
    await alter(scene, "b-3", '{"id":"b-3","who":"eve","owed":1,"note":""}')
    assert (await scene.rows())["b-3"] == ("eve", 1)
    async with scene.rebuilding() as rebuilding:
        report = await rebuilding.run()
    assert (report.compared, report.differing, report.examples) == (10, 1, ["b-3"])
    assert await scene.rows() == before


async def test_nothing_is_missed_while_it_goes_on(scene: Scene) -> None:
    """Questions and events all the time: no answer is empty, or older than one before."""
    for _ in range(2):
        await scene.worker()
    before = await some_debts(scene)
    over = asyncio.Event()
    asked = rounds = 0

    async def events() -> None:
        nonlocal rounds
        while not over.is_set():
            await scene.bill(("b-1", "ann", 1), ("b-2", "ann", 1))
            await scene.pay(("b-1", 1))
            rounds += 1
            await scene.ground.breathe()

    async def questions() -> None:
        nonlocal asked
        last: Mapping[str, int] = {"bills": 0, "money": 0}
        while not over.is_set():
            answer = await scene.ask("get.b-1")
            assert answer["status"] == "ok"
            now = answer["positions"]
            assert all(now[domain] >= last[domain] for domain in last)
            last, asked = now, asked + 1

    busy = [asyncio.create_task(one()) for one in (events, questions, questions)]
    try:
        for _ in range(3):
            async with scene.rebuilding() as rebuilding:
                report = await rebuilding.run()
                assert (report.differing, report.took_over) == (0, True)
    finally:
        over.set()
        await asyncio.gather(*busy)
    assert asked > 3
    await scene.at_rest()
    _, owed = before["b-2"]
    assert await scene.rows() == {**before, "b-2": ("ann", owed + rounds)}


async def run_until_a_step(rebuilding: Rebuild) -> bool:
    """Kills it after its next step. Gives whether it came to its end without one."""
    running = asyncio.create_task(rebuilding.run())

    def kill(report: Report) -> None:
        if report.compared is None:
            running.cancel()

    rebuilding.told = kill
    await asyncio.wait([running])
    return not running.cancelled()


async def test_one_that_was_killed_goes_on_where_it_was(scene: Scene) -> None:
    await scene.worker()
    before = await some_debts(scene)
    done, ended = 0, False
    while not ended:
        async with scene.rebuilding() as rebuilding:
            ended = await run_until_a_step(rebuilding)
            done += rebuilding.report.done
    assert (rebuilding.report.took_over, rebuilding.report.differing) == (True, 0)
    assert done <= sum(len(of) for of in scene.streams.values())
    assert await scene.rows() == before


async def test_several_at_once_do_no_harm(scene: Scene) -> None:
    await scene.worker()
    before = await some_debts(scene)
    async with scene.rebuilding() as one, scene.rebuilding() as two, scene.rebuilding() as three:
        reports = await asyncio.gather(one.run(), two.run(), three.run())
    assert [report.took_over for report in reports] == [True] * 3
    assert [report.differing for report in reports] == [0] * 3
    assert await scene.rows() == before
    assert await scene.builds() == [(1, 1, Stage.KEPT), (2, 1, Stage.SERVING)]


async def test_one_can_go_back_and_nothing_is_lost(scene: Scene) -> None:
    await scene.worker()
    await some_debts(scene)
    async with scene.rebuilding() as rebuilding:
        await rebuilding.run()
    await scene.bill(("b-1", "bob", 5), ("b-new", "bob", 5))
    await scene.at_rest()
    before = await scene.rows()
    async with scene.rebuilding(Aim.BACK) as rebuilding:
        report = await rebuilding.run()
    assert (report.done, report.differing, report.took_over) == (2, 0, True)
    assert await scene.rows() == before
    assert await scene.builds() == [(1, 1, Stage.SERVING), (2, 1, Stage.KEPT)]


async def test_afresh_it_begins_again(scene: Scene) -> None:
    await scene.worker()
    before = await some_debts(scene)
    async with scene.rebuilding() as broken_off:
        assert not await run_until_a_step(broken_off)
    async with scene.rebuilding(Aim.AFRESH) as rebuilding:
        report = await rebuilding.run()
    assert report.done == sum(len(of) for of in scene.streams.values())
    assert await scene.rows() == before


async def test_a_new_version_is_made_beforehand_and_takes_over_when_it_starts(
    scene: Scene,
) -> None:
    old = await scene.worker()
    before = await some_debts(scene)
    new = replace(scene.view, version=2, row=twice)
    async with scene.rebuilding(view=new) as rebuilding:
        report = await rebuilding.run()
    assert (report.compared, report.took_over) == (None, False)
    assert await scene.rows() == before
    assert await scene.builds() == [(1, 1, Stage.SERVING), (2, 2, Stage.MAKING)]
    await scene.worker(new)

    async def replaced() -> bool:
        return "version" in old.problems

    await scene.until(replaced)
    assert (await scene.ask("get.b-3"))["owed"] == 2 * before["b-3"][1]


async def test_who_asks_the_old_version_is_answered_by_the_new_one(scene: Scene) -> None:
    """While the old process has not heard of it yet, and after that."""
    await scene.worker()
    await some_debts(scene)
    over = asyncio.Event()

    async def questions() -> int:
        asked = 0
        last = 0
        while not over.is_set():
            answer = await scene.ask("get.b-3")
            assert answer["status"] == "ok"
            assert answer["owed"] >= last  # never the old version's again
            last, asked = answer["owed"], asked + 1
        return asked

    asking = [asyncio.create_task(questions()) for _ in range(3)]
    new = await scene.worker(replace(scene.view, version=2, row=twice))

    async def taken_over() -> bool:
        return new._shared.serving and bool(scene.workers[0].problems)

    await scene.until(taken_over)
    over.set()
    assert min(await asyncio.gather(*asking)) > 0


async def test_an_old_version_that_is_started_again_leaves_the_answers_to_the_new(
    scene: Scene,
) -> None:
    old = await scene.worker()
    before = await some_debts(scene)
    await scene.stop(old)
    await scene.worker(replace(scene.view, version=2, row=twice))

    async def answers() -> bool:
        try:
            return bool((await scene.ask("get.b-3"))["owed"] == 2 * before["b-3"][1])
        except NoResponders:
            return False

    await scene.until(answers)
    again = await scene.worker()

    async def says_so() -> bool:
        return "another version" in again.problems.get("version", "")

    await scene.until(says_so)
    assert again.status().problems == again.problems
    for _ in range(10):
        assert await answers()
