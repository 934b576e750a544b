"""A view whose keys several workers share: its rows and its answers are those of one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as changed

from bus.store.port import Checkpoint, StoreUnavailable
from bus.testing.ground import Ground, view_stores
from bus.views import between
from bus.views.members import GONE
from bus.views.partitioned import asked
from bus.views.partitions import parts
from bus.views.port import ViewStore
from bus.views.worker import ViewWorker
from tests.contract.views.conftest import Stores
from tests.contract.views.sample import BILLS, Billed, Row, row
from tests.contract.views.scene import Scene, Written, written
from tests.contract.views.test_live import bill, listening
from tests.contract.views.test_view_lag import Held
from tests.contract.views.test_view_store import write

PARTITIONS = 3
PEOPLE = ("ann", "bob", "eve")


@pytest.fixture
def partitions() -> int:
    return PARTITIONS


async def some_bills(scene: Scene, first: int, count: int) -> None:
    numbers = range(first, first + count)
    await scene.bill(*((f"b-{n}", PEOPLE[n % 3], n) for n in numbers))
    await scene.pay(*((f"b-{n}", 1) for n in numbers))


def owing(upto: int) -> Mapping[str, tuple[str, int]]:
    return {f"b-{n}": (PEOPLE[n % 3], n - 1) for n in range(upto)}


async def sharing(scene: Scene) -> None:
    """Returns when the workers agree who folds what."""

    async def shared() -> bool:
        scene.ground.clock.advance(timedelta(milliseconds=50))
        folded = [number for worker in scene.workers for number in worker.partitions]
        return sorted(folded) == [*range(PARTITIONS)]

    await scene.until(shared)


async def die(scene: Scene, worker: ViewWorker) -> None:
    scene.workers.remove(worker)
    await worker.kill()
    scene.ground.clock.advance(GONE)


async def test_its_rows_are_those_of_a_view_that_is_kept_as_one(scene: Scene) -> None:
    await scene.worker()
    await some_bills(scene, 0, 60)
    await scene.at_rest()
    assert await scene.rows() == owing(60)


async def test_pages_lead_through_all_partitions_in_order(scene: Scene) -> None:
    await scene.worker()
    await some_bills(scene, 0, 60)
    await scene.at_rest()
    found: list[dict[str, Any]] = []
    page: str | None = ""
    while page is not None:
        asked = {"who": "bob", "limit": 7, **({"page": page} if page else {})}
        answer = await scene.ask("by_who", msgspec.json.encode(asked))
        found += answer["rows"]
        page = answer["next"]
    assert [(one["id"], one["owed"]) for one in found] == [
        (f"b-{n}", n - 1) for n in range(1, 60, 3)
    ]


async def test_sums_are_those_of_all_partitions(scene: Scene) -> None:
    if scene.backend == "redis":
        return  # which can't be asked for sums
    await scene.worker()
    await some_bills(scene, 0, 31)
    await scene.at_rest()
    opened = await view_stores(scene.ground, scene.view)
    for store in opened:
        await store.open()
    async with asked(scene.view, opened, scene.broker).snapshot() as snapshot:
        by_who = await snapshot.rows.totals(["who"], ["owed"])
        most = await snapshot.rows.totals(["who"], ["owed"], order="owed", limit=1)
    for store in opened:
        await store.close()
    assert by_who == [
        {"who": "ann", "owed": 154, "count": 11},
        {"who": "bob", "owed": 135, "count": 10},
        {"who": "eve", "owed": 145, "count": 10},
    ]
    assert most == by_who[:1]


async def test_what_has_changed_is_told_of_all_partitions_page_by_page(scene: Scene) -> None:
    await scene.worker()
    await some_bills(scene, 0, 20)
    await scene.at_rest()
    before = {"bills": 20, "money": 20}
    await scene.bill(*((f"b-{n}", "ann", 100) for n in range(5, 25)))
    await scene.at_rest()
    found: list[str] = []
    page: str | None = ""
    while page is not None:
        body = {"from": before, "limit": 7, **({"page": page} if page else {})}
        reply = await scene.broker.request("changed.debts.list", msgspec.json.encode(body))
        answer = msgspec.json.decode(reply.body)
        found += [one["key"] for one in answer["changed"]]
        page = answer["next"]
    assert sorted(found) == sorted(f"b-{n}" for n in range(5, 25))


async def test_workers_share_the_partitions_and_a_dead_ones_are_taken_over(scene: Scene) -> None:
    first, second = await scene.worker(), await scene.worker()
    await sharing(scene)
    assert min(len(first.partitions), len(second.partitions)) == 1
    await some_bills(scene, 0, 30)
    await scene.at_rest()
    await die(scene, first)
    await some_bills(scene, 30, 30)
    await scene.at_rest()
    assert set(second.partitions) == {*range(PARTITIONS)}
    assert await scene.rows() == owing(60)


async def test_one_that_is_stopped_hands_over_at_once(scene: Scene) -> None:
    first, second = await scene.worker(), await scene.worker()
    await sharing(scene)
    await scene.stop(first)

    async def taken_over() -> bool:
        scene.ground.clock.advance(timedelta(milliseconds=20))
        return len(second.partitions) == PARTITIONS

    await scene.until(taken_over)
    await some_bills(scene, 0, 9)
    await scene.at_rest()
    assert await scene.rows() == owing(9)


async def test_more_workers_than_partitions_do_no_harm(scene: Scene) -> None:
    for _ in range(PARTITIONS + 1):
        await scene.worker()
    await sharing(scene)
    assert sorted(len(worker.partitions) for worker in scene.workers) == [0, 1, 1, 1]
    await some_bills(scene, 0, 30)
    await scene.at_rest()
    assert await scene.rows() == owing(30)


async def test_answers_of_several_workers_are_of_one_moment_and_come_again(scene: Scene) -> None:
    for _ in range(2):
        await scene.worker()
    await sharing(scene)
    asked = {"who": "ann", "limit": 100}
    answers = []

    async def ask() -> None:
        for _ in range(20):
            answers.append((await scene.reply("by_who", msgspec.json.encode(asked))).body)
            await scene.ground.breathe()

    asking = asyncio.create_task(ask())
    for n in range(10):
        await some_bills(scene, 6 * n, 6)
        await scene.ground.breathe()
    await asking
    await scene.at_rest()
    for body in answers:
        answer = msgspec.json.decode(body)
        at = answer["positions"]
        # All bills up to there, and what was paid of them up to there: no other bill, no other sum.
        paid = {f"b-{n}" for n in range(at["money"])}
        there = {f"b-{n}": n - (f"b-{n}" in paid) for n in range(0, at["bills"], 3)}
        assert {one["id"]: one["owed"] for one in answer["rows"]} == there
        again = msgspec.json.encode({**asked, "as_of": at})
        assert (await scene.reply("by_who", again)).body == body


async def test_while_a_partition_stands_still_all_are_asked_as_of_its_positions(
    scene: Scene,
) -> None:
    released = asyncio.Event()
    released.set()

    def held(store: ViewStore) -> ViewStore:
        one = Held()
        one.released = released
        return one.around(store)

    await scene.worker()
    await scene.worker(wrapped=held)
    await sharing(scene)
    released.clear()
    await some_bills(scene, 0, 30)

    async def ahead() -> bool:
        places = scene.workers[0].checkpoints
        return min(place.position for place in places.values()) == 30

    await scene.until(ahead)
    answer = await scene.ask("by_who", b'{"who":"ann"}')
    assert (answer["rows"], answer["positions"]) == ([], {"bills": 0, "money": 0})
    released.set()
    await scene.at_rest()
    assert await scene.rows() == owing(30)


async def test_where_too_much_lies_between_the_partitions_rows_are_not_there_now(
    stores: Stores, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(between, "MOST", 4)
    opened = [await stores(part) for part in parts(scene.view)]
    for store, bills in zip(opened, (10, 5, 10), strict=True):
        await store.remember()
        await write(store, places={"bills": Checkpoint(bills, f"event-{bills}")})
    with pytest.raises(StoreUnavailable, match="a partition of the view debts is far behind"):
        async with asked(scene.view, opened, scene.broker).snapshot():
            pass


async def test_what_can_not_be_read_waits_once_for_people_to_see(scene: Scene) -> None:
    await scene.worker()
    good = written(BILLS, "b-1", Billed(who="ann", amount=1))
    wrong = Written(good.subject, good.body.replace(b'"amount":1', b'"amount":"1"'))
    await scene.publish("bills", wrong, written(BILLS, "b-2", Billed(who="bob", amount=1)))
    await scene.at_rest()
    assert await scene.parked() == [("debts/bills", "bill/b-1", 1)]
    assert await scene.rows() == {"b-2": ("bob", 1)}
    assert await scene.retry() == {"retried": 0, "failed": 1}


async def test_a_new_version_of_all_partitions_takes_over_as_one(
    scene: Scene, view_ground: Ground
) -> None:
    await some_bills(scene, 0, 30)
    await scene.worker()
    await scene.at_rest()

    def twice(slots: Mapping[str, Any]) -> Row | None:
        found = row(slots)
        return found and changed(found, owed=found.owed + 5000)

    over = asyncio.Event()

    async def ask() -> None:
        new = 0
        while not over.is_set():
            answer = await scene.ask("by_who", b'{"who":"ann","limit":100}')
            assert answer["status"] == "ok"
            versions = {one["owed"] >= 1000 for one in answer["rows"]}
            assert len(versions) == 1  # all old, or all new
            assert versions.pop() >= new
            new = answer["rows"][0]["owed"] >= 1000

    async def go_on() -> None:
        """What serves moves on while it is to be caught up with."""
        for n in range(30, 90, 3):
            await some_bills(scene, n, 3)
            await scene.ground.breathe()

    asking, billing = asyncio.create_task(ask()), asyncio.create_task(go_on())
    made = await scene.worker(replace(scene.view, version=2, row=twice))

    async def taken_over() -> bool:
        return asking.done() or (made.answers and bool(scene.workers[0].problems))

    await scene.until(taken_over)
    over.set()
    await asyncio.gather(asking, billing)
    assert (await scene.ask("get.b-7"))["owed"] == 5006


async def test_all_partitions_are_made_anew_while_they_are_asked(scene: Scene) -> None:
    await scene.worker()
    await some_bills(scene, 0, 30)
    await scene.at_rest()
    reports = []
    for part in parts(scene.view):
        async with scene.rebuilding(view=part) as rebuild:
            reports.append(await rebuild.run())
    assert all(report.took_over and not report.differing for report in reports)
    assert sum(report.compared or 0 for report in reports) == 30
    await some_bills(scene, 30, 3)
    await scene.at_rest()
    assert await scene.rows() == owing(33)


async def test_each_change_of_a_row_is_told_once_whichever_partition_it_is_in(scene: Scene) -> None:
    for _ in range(2):
        await scene.worker()
    await sharing(scene)
    await bill(scene, ("b-0", "ann", 7))
    async with listening(scene, "b-0") as one, listening(scene, "*") as ear:
        await one.last(7, "b-0")
        for n in range(1, 12):
            await bill(scene, (f"b-{n}", "ann", n))

        async def told() -> bool:
            return {message.key for message in ear.heard} >= {f"b-{n}" for n in range(1, 12)}

        await scene.until(told)
    assert {*one.owed("b-0")} == {7}  # by the partition that has it: another would say None
    heard = sorted((m.key, m.owed) for m in ear.heard if m.key != "b-0")
    assert heard == sorted((f"b-{n}", n) for n in range(1, 12))
