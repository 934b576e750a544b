"""What a fold can't take waits, with its own key alone, until it is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Struct

from bus import subjects
from bus.envelope import Recorded
from bus.view import View
from tests.contract.views.sample import BILLS, MONEY, Billed, Paid, Renamed, Row, fold
from tests.contract.views.sample import row as debt
from tests.contract.views.scene import Scene, Written, written


class Mood:
    """What the view's author has not understood yet: raises for these until it is mended."""

    def __init__(self, view: View) -> None:
        self.amounts: set[int] = set()
        self.names: set[str] = set()
        self.view = replace(view, fold=self.fold, row=self.row)

    def fold(self, slot: Any, event: Recorded[Any], key: str) -> Struct:
        if isinstance(event.data, Billed) and event.data.amount in self.amounts:
            raise ZeroDivisionError(f"{event.data.amount} is odd")
        return fold(slot, event, key)

    def row(self, slots: Mapping[str, Any]) -> Row | None:
        found = debt(slots)
        if found is not None and found.who in self.names:
            raise LookupError(f"who is {found.who}?")
        return found


async def test_a_key_that_fails_waits_and_the_others_go_on(scene: Scene) -> None:
    mood = Mood(scene.view)
    mood.amounts = {13}
    await scene.worker(mood.view)
    await scene.bill(("b-1", "ann", 1), ("b-1", "ann", 13), ("b-2", "bob", 2), ("b-1", "ann", 4))
    await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 1), "b-2": ("bob", 2)}
    assert await scene.parked() == [("debts/bills", "bill/b-1", 2), ("debts/bills", "bill/b-1", 4)]
    await scene.bill(("b-1", "ann", 8), ("b-2", "bob", 2))
    await scene.pay(("b-1", 1))
    await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 0), "b-2": ("bob", 4)}
    assert [position for *_, position in await scene.parked()] == [2, 4, 5]


async def test_the_list_says_why_and_shows_the_event(scene: Scene) -> None:
    mood = Mood(scene.view)
    mood.amounts = {13}
    await scene.worker(mood.view)
    await scene.bill(("b-1", "ann", 13), ("b-1", "ann", 4))
    await scene.at_rest()
    reply = await scene.broker.request(subjects.parked_list("debts"))
    first, second = msgspec.json.decode(reply.body)["parked"]
    assert first["reason"] == "ZeroDivisionError: 13 is odd"
    assert first["attempts"] == 1
    assert first["event"]["data"]["amount"] == 13
    assert "behind" in second["reason"]


async def test_what_was_parked_survives_a_restart_and_blocks_its_key_still(scene: Scene) -> None:
    mood = Mood(scene.view)
    mood.amounts = {13}
    first = await scene.worker(mood.view)
    await scene.bill(("b-1", "ann", 13))
    await scene.at_rest()
    await scene.stop(first)
    await scene.bill(("b-1", "ann", 4), ("b-2", "bob", 1))
    await scene.worker()
    await scene.at_rest()
    assert await scene.rows() == {"b-2": ("bob", 1)}
    assert await scene.retry() == {"retried": 2, "failed": 0}
    assert await scene.rows() == {"b-1": ("ann", 17), "b-2": ("bob", 1)}


async def test_a_retry_folds_in_order_and_frees_the_key(scene: Scene) -> None:
    mood = Mood(scene.view)
    mood.amounts = {13}
    await scene.worker(mood.view)
    rename = written(BILLS, "b-1", Renamed(name="anna"))
    await scene.bill(("b-1", "ann", 13), ("b-2", "bob", 13))
    await scene.publish("bills", rename)
    await scene.at_rest()
    assert await scene.retry(key="bill/b-1") == {"retried": 0, "failed": 1}
    mood.amounts = set()
    assert await scene.retry(key="bill/b-1") == {"retried": 2, "failed": 0}
    assert await scene.rows() == {"b-1": ("anna", 13)}
    assert await scene.parked() == [("debts/bills", "bill/b-2", 2)]
    await scene.bill(("b-1", "ann", 1))
    await scene.at_rest()
    assert (await scene.rows())["b-1"] == ("ann", 14)
    assert await scene.retry(key="bill/none") == {"retried": 0, "failed": 0}
    assert await scene.retry() == {"retried": 1, "failed": 0}
    assert await scene.parked() == []


async def test_a_retry_stops_at_the_first_that_fails_again(scene: Scene) -> None:
    mood = Mood(scene.view)
    mood.amounts = {13, 15}
    await scene.worker(mood.view)
    await scene.bill(*(("b-1", "ann", n) for n in (13, 14, 15, 16)))
    await scene.at_rest()
    mood.amounts = {15}
    assert await scene.retry() == {"retried": 2, "failed": 1}
    assert await scene.rows() == {"b-1": ("ann", 27)}
    reply = await scene.broker.request(subjects.parked_list("debts"))
    first, second = msgspec.json.decode(reply.body)["parked"]
    assert (first["position"], first["attempts"]) == (3, 2)
    assert first["reason"] == "ZeroDivisionError: 15 is odd"
    assert (second["position"], second["attempts"]) == (4, 1)


async def test_an_event_that_spoils_a_row_is_parked_and_the_row_stays(scene: Scene) -> None:
    mood = Mood(scene.view)
    mood.names = {"eve"}
    await scene.worker(mood.view)
    await scene.bill(("b-1", "ann", 1), ("b-2", "bob", 1), ("b-1", "eve", 1))
    await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 1), "b-2": ("bob", 1)}
    await scene.bill(("b-1", "ann", 1))
    await scene.at_rest()
    assert [position for *_, position in await scene.parked()] == [3, 4]
    mood.names = set()
    assert await scene.retry() == {"retried": 2, "failed": 0}
    assert (await scene.rows())["b-1"] == ("ann", 3)


async def test_what_no_store_could_keep_is_parked(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "a\0b", 1), ("b-2", "x" * 5000, 1), ("b-3", "ann", 2**63))
    await scene.bill(("b-4", "ann", 1))
    await scene.at_rest()
    assert await scene.rows() == {"b-4": ("ann", 1)}
    assert [key for _, key, _ in await scene.parked()] == ["bill/b-1", "bill/b-2", "bill/b-3"]


async def test_a_row_key_that_no_store_could_keep_is_parked(scene: Scene) -> None:
    await scene.worker()
    odd = ["", "x" * 501, "a\0b", "b-1"]
    await scene.publish(
        "money", *(written(MONEY, f"p-{n}", Paid(bill=id, amount=1)) for n, id in enumerate(odd))
    )
    await scene.at_rest()
    assert [key for _, key, _ in await scene.parked()] == [f"payment/p-{n}" for n in range(3)]


async def test_what_can_not_be_read_is_parked_under_what_is_known_of_it(scene: Scene) -> None:
    await scene.worker()
    good = written(BILLS, "b-1", Billed(who="ann", amount=1))
    wrong_type = Written(good.subject, good.body.replace(b'"amount":1', b'"amount":"1"'))
    unknown = Written(good.subject, good.body.replace(b'"type":"Billed"', b'"type":"Bullied"', 1))
    await scene.publish("bills", Written(good.subject, b"\xff no json"), wrong_type)
    await scene.publish("bills", unknown, written(BILLS, "b-2", Billed(who="bob", amount=1)))
    await scene.at_rest()
    assert await scene.parked() == [
        ("debts/bills", "bill/b-1", 2),
        ("debts/bills", "bill/b-1", 3),
        ("debts/bills", "unreadable/1", 1),
    ]
    assert await scene.rows() == {"b-2": ("bob", 1)}
    assert (await scene.retry())["failed"] == 2


async def test_a_retry_of_one_worker_and_the_work_of_another_double_nothing(scene: Scene) -> None:
    mood = Mood(scene.view)
    mood.amounts = {13}
    for _ in range(2):
        await scene.worker(mood.view)
    await scene.bill(("b-1", "ann", 13), ("b-2", "bob", 1))
    await scene.at_rest()
    mood.amounts = set()
    for n in range(10):
        await scene.bill(("b-2", "bob", 1), ("b-1", "ann", 1))
        if n == 5:
            await scene.retry()
    await scene.at_rest()
    await scene.retry()
    assert await scene.rows() == {"b-1": ("ann", 23), "b-2": ("bob", 11)}
    assert await scene.parked() == []
