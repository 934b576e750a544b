"""What has changed in a view between two moments is told row by row, and page by page."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus import subjects
from bus.broker.port import Endpoint, Request
from bus.views import differences
from tests.contract.views.scene import Scene
from tests.contract.views.test_as_of import remembers


async def changed(scene: Scene, **asked: object) -> dict[str, Any]:
    subject = subjects.changed_list("debts")
    reply = await scene.broker.request(subject, msgspec.json.encode(asked))
    return dict(msgspec.json.decode(reply.body))


def owed(answer: dict[str, Any]) -> dict[str, tuple[int | None, int | None]]:
    """By key, what was owed before and after."""
    return {
        row["key"]: tuple(row[side] and row[side]["owed"] for side in ("before", "after"))
        for row in answer["changed"]
    }


async def some_bills(scene: Scene) -> None:
    """Written in three parts: at bills 3, 5 and 6."""
    await scene.worker()
    await scene.until(lambda: remembers(scene))
    for part in (
        [("b-1", "ann", 1), ("b-2", "bob", 2), ("b-3", "bob", 3)],
        [("b-2", "bob", 20), ("b-4", "ann", 4)],
        [("b-1", "ann", 0)],
    ):
        await scene.bill(*part)
        await scene.at_rest()


def at(bills: int, money: int = 0) -> dict[str, int]:
    return {"bills": bills, "money": money}


async def test_rows_that_came_or_changed_are_told_with_both_and_no_others(scene: Scene) -> None:
    await some_bills(scene)
    answer = await changed(scene, **{"from": at(3), "to": at(5)})
    assert (answer["status"], answer["from"], answer["to"]) == ("ok", at(3), at(5))
    assert (owed(answer), answer["next"]) == ({"b-2": (2, 22), "b-4": (None, 4)}, None)
    assert answer["changed"][1]["after"] == {"id": "b-4", "who": "ann", "owed": 4, "note": ""}


async def test_the_other_way_round_what_came_is_gone(scene: Scene) -> None:
    await some_bills(scene)
    answer = await changed(scene, **{"from": at(5), "to": at(3)})
    assert owed(answer) == {"b-2": (22, 2), "b-4": (4, None)}


async def test_without_a_second_moment_it_is_now_and_what_is_the_same_again_is_left_out(
    scene: Scene,
) -> None:
    await some_bills(scene)
    answer = await changed(scene, **{"from": at(0)})
    assert answer["to"] == at(6)
    assert owed(answer) == {f"b-{n}": (None, n) for n in (1, 3, 4)} | {"b-2": (None, 22)}
    assert (await changed(scene, **{"from": at(5)}))["changed"] == []


async def test_moments_between_two_writes_are_folded_to(scene: Scene) -> None:
    await some_bills(scene)
    await scene.bill(*(("b-1", "ann", 1) for _ in range(10)), ("b-5", "ann", 5))
    await scene.pay(("b-3", 1))
    await scene.at_rest()
    answer = await changed(scene, **{"from": at(8), "to": at(12)})
    assert owed(answer) == {"b-1": (3, 7)}
    answer = await changed(scene, **{"from": at(16), "to": at(17, 1)})
    assert owed(answer) == {"b-3": (3, 2), "b-5": (None, 5)}
    answer = await changed(scene, **{"from": at(1), "to": at(2)})
    assert owed(answer) == {"b-2": (None, 2)}


async def test_all_pages_are_of_the_same_two_moments(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "CHUNK", 3)
    await some_bills(scene)
    await scene.bill(*((f"b-{n}", "ann", n) for n in range(5, 10)))
    await scene.at_rest()
    first = await changed(scene, **{"from": at(0), "limit": 2})
    pages, page = [first], first
    while page["next"] is not None:
        await scene.bill(("b-8", "ann", 100), (f"c-{len(pages)}", "ann", 1))
        await scene.at_rest()
        places = {"from": first["from"], "to": first["to"]}
        page = await changed(scene, **places, limit=2, page=page["next"])
        pages.append(page)
    told = [pair for page in pages for pair in owed(page).items()]
    assert [key for key, _ in told] == [f"b-{n}" for n in range(1, 10)]
    assert dict(told)["b-8"] == (None, 8)
    assert all(len(page["changed"]) <= 2 for page in pages)


async def test_a_page_without_a_row_goes_on_where_many_are_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "CHUNK", 2)
    monkeypatch.setattr(differences, "MOST", 2)
    await some_bills(scene)
    same = [("b-1", "ann", 0), ("b-2", "bob", 0), ("b-3", "bob", 0), ("b-4", "ann", 0)]
    await scene.bill(*same, ("b-9", "ann", 9))
    await scene.at_rest()
    told: dict[str, Any] = {}
    page = await changed(scene, **{"from": at(6)})
    while page["next"] is not None:
        told |= owed(page)
        places = {"from": page["from"], "to": page["to"]}
        page = await changed(scene, **places, page=page["next"])
    assert told | owed(page) == {"b-9": (None, 9)}


async def test_one_key_is_told_by_itself(scene: Scene) -> None:
    await some_bills(scene)
    moments = {"from": at(3), "to": at(5)}
    assert owed(await changed(scene, **moments, key="b-4")) == {"b-4": (None, 4)}
    for key in ("b-1", "nobody", "\0"):
        assert owed(await changed(scene, **moments, key=key)) == {}


async def test_what_changed_is_told_over_a_rebuild(scene: Scene) -> None:
    await some_bills(scene)
    async with scene.rebuilding() as rebuild:
        assert (await rebuild.run()).took_over
    await scene.bill(("b-1", "ann", 100), ("b-5", "ann", 5))
    await scene.at_rest()
    answer = await changed(scene, **{"from": at(5)})
    assert owed(answer) == {"b-1": (1, 101), "b-5": (None, 5)}


async def test_a_time_is_completed_to_a_cut(scene: Scene) -> None:
    def cut(request: Request) -> None:
        request.respond(b'{"status":"ok","cut":{"bills":3,"money":0},"positions":{}}')

    await scene.broker.serve("view-cuts", "", "1.0.0", [Endpoint("at", "qry.cuts.at", cut)])
    await some_bills(scene)
    answer = await changed(scene, **{"from": "2026-01-01T12:00:00Z", "to": at(5)})
    assert answer["from"] == at(3)
    assert owed(answer) == {"b-2": (2, 22), "b-4": (None, 4)}


async def test_what_is_not_remembered_is_told_as_such(scene: Scene) -> None:
    await scene.bill(("b-1", "ann", 1), ("b-1", "ann", 1))
    await scene.worker()
    await scene.at_rest()
    await scene.until(lambda: remembers(scene))
    answer = await changed(scene, **{"from": at(1)})
    assert (answer["status"], answer["code"]) == ("unknown", "NotRemembered")
    assert answer["details"] == {"field": "from", "since": at(2)}
    answer = await changed(scene, **{"from": at(2), "to": at(1)})
    assert answer["details"]["field"] == "to"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": {"bills": 1, "x.y": 1}}, "from"),
        ({"from": {"bills": 1, "money": 0}, "to": {"bills": -1}}, "to"),
        ({"from": {"bills": 0, "money": 0}, "limit": 0}, "limit"),
        ({"from": {"bills": 0, "money": 0}, "page": "?"}, "page"),
        ({"from": {"bills": 0, "money": 0}, "till": 1}, "till"),
    ],
)
async def test_what_can_t_be_asked_is_refused(
    scene: Scene, asked: dict[str, Any], field: str
) -> None:
    await scene.worker()
    await scene.until(lambda: remembers(scene))
    answer = await changed(scene, **asked)
    assert (answer["status"], answer["code"]) == ("invalid", "InvalidBody")
    assert answer["details"]["field"] == field
