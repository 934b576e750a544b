"""Questions about rows as they were get the answers that they got then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from bus.broker.port import Endpoint, Request
from bus.view import View
from bus.views import between
from bus.views.build import Aim
from bus.views.partitions import parts
from bus.views.past import NotRemembered
from tests.contract.views.scene import Scene

QUESTIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("get.b-1", {}),
    ("by_who", {"who": "ann", "limit": 2}),
    ("by_who", {"who": "bob"}),
)


async def bodies(scene: Scene, **more: object) -> list[bytes]:
    """What each question is answered, byte for byte."""
    return [
        (await scene.reply(query, msgspec.json.encode({**params, **more}))).body
        for query, params in QUESTIONS
    ]


def positions(body: bytes) -> dict[str, int]:
    return dict(msgspec.json.decode(body)["positions"])


async def some_days(scene: Scene) -> list[list[bytes]]:
    """Bills come and are paid, in several writes, and are asked about after each."""
    answers = []
    for day in range(6):
        await scene.bill(("b-1", "ann", 10), (f"b-{day + 2}", ("ann", "bob")[day % 2], day))
        await scene.pay(("b-1", 3), (f"b-{day + 2}", 1))
        await scene.at_rest()
        answers.append(await bodies(scene))
    return answers


async def test_the_positions_of_an_answer_give_it_again_byte_for_byte(scene: Scene) -> None:
    await scene.worker()
    await scene.at_rest()
    await scene.until(lambda: remembers(scene))
    for then in await some_days(scene):
        for body, asked in zip(then, QUESTIONS, strict=True):
            again = msgspec.json.encode({**asked[1], "as_of": positions(body)})
            assert (await scene.reply(asked[0], again)).body == body


async def test_an_answer_is_given_again_after_a_rebuild(scene: Scene) -> None:
    await scene.worker()
    await scene.until(lambda: remembers(scene))
    days = await some_days(scene)
    async with scene.rebuilding() as rebuild:
        assert (await rebuild.run()).took_over
    await scene.bill(("b-1", "ann", 100))
    await scene.at_rest()
    assert await bodies(scene, as_of=positions(days[1][0])) == days[1]


async def test_between_two_writes_the_events_are_folded_once_more(scene: Scene) -> None:
    await scene.bill(*(("b-1", "ann", 1) for _ in range(20)))
    await scene.pay(*(("b-1", 1) for _ in range(10)))
    await scene.worker()
    await scene.until(lambda: remembers(scene))
    await scene.bill(*(("b-1", "ann", 1) for _ in range(20)), ("b-2", "ann", 5))
    await scene.pay(*(("b-1", 1) for _ in range(5)))
    await scene.at_rest()
    for bills, money in ((25, 10), (33, 12), (40, 15)):
        at = {"bills": bills, "money": money}
        answer = await scene.ask("get.b-1", msgspec.json.encode({"as_of": at}))
        assert (answer["owed"], answer["positions"]) == (bills - money, at)
    found = await scene.ask("by_who", b'{"who":"ann","as_of":{"bills":41,"money":10}}')
    assert [(row["id"], row["owed"]) for row in found["rows"]] == [("b-2", 5), ("b-1", 30)]


async def test_too_many_events_between_are_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(between, "MOST", 3)
    await scene.worker()
    await scene.until(lambda: remembers(scene))
    await scene.bill(*(("b-1", "ann", 1) for _ in range(10)))
    await scene.at_rest()
    answer = await scene.ask("get.b-1", b'{"as_of":{"bills":9,"money":0}}')
    if answer["status"] != "ok":  # unless the view has happened to write just there
        assert (answer["code"], answer["details"]["field"]) == ("TooFarBetween", "as_of")
        assert "events of bills lie between" in answer["message"]


async def test_what_came_before_the_view_remembers_is_told_as_such(scene: Scene) -> None:
    await scene.bill(("b-1", "ann", 1), ("b-1", "ann", 1))
    await scene.worker()
    await scene.at_rest()
    await scene.until(lambda: remembers(scene))
    answer = await scene.ask("get.b-1", b'{"as_of":{"bills":1,"money":0}}')
    assert (answer["status"], answer["code"]) == ("unknown", "NotRemembered")
    assert answer["details"] == {"field": "as_of", "since": {"bills": 2, "money": 0}}


async def test_positions_that_are_still_to_come_are_waited_for(scene: Scene) -> None:
    await scene.worker()
    await scene.until(lambda: remembers(scene))
    body = b'{"as_of":{"bills":1,"money":0}}'
    asking = asyncio.create_task(scene.ask("get.b-1", body))
    await scene.bill(("b-1", "ann", 7))
    assert (await asking)["owed"] == 7


async def test_a_time_or_a_part_of_the_positions_is_completed_to_a_cut(scene: Scene) -> None:
    asked = []

    def cut(request: Request) -> None:
        asked.append(msgspec.json.decode(request.body))
        request.respond(b'{"status":"ok","cut":{"bills":1,"money":1},"positions":{}}')

    await scene.broker.serve("view-cuts", "", "1.0.0", [Endpoint("at", "qry.cuts.at", cut)])
    await scene.worker()
    await scene.until(lambda: remembers(scene))
    await scene.bill(("b-1", "ann", 10))
    await scene.pay(("b-1", 4))
    await scene.at_rest()
    await scene.pay(("b-1", 4))
    await scene.at_rest()
    by_time = await scene.ask("get.b-1", b'{"as_of":"2026-01-01T12:00:00+02:00"}')
    by_part = await scene.ask("get.b-1", b'{"as_of":{"bills":1}}')
    assert by_time["owed"] == by_part["owed"] == 6
    assert by_time["positions"] == {"bills": 1, "money": 1}
    assert asked == [{"time": "2026-01-01T10:00:00Z"}, {"positions": {"bills": 1}}]


async def test_a_part_without_the_view_of_cuts_is_told_as_such(scene: Scene) -> None:
    await scene.worker()
    reply = await scene.reply("get.b-1", b'{"as_of":{"bills":1}}')
    assert reply.headers["Nats-Service-Error-Code"] == "503"
    assert msgspec.json.decode(reply.body)["code"] == "CutsMissing"


@pytest.mark.parametrize(
    "as_of",
    ['{"bills":-1}', '{"bills":"1"}', '"yesterday"', '"2026-01-01T00:00:00"', "7", '{"x.y":1}'],
)
async def test_what_is_no_place_in_the_past_is_refused(scene: Scene, as_of: str) -> None:
    await scene.worker()
    answer = await scene.ask("get.b-1", f'{{"as_of":{as_of}}}'.encode())
    assert (answer["status"], answer["code"]) == ("invalid", "InvalidBody")
    assert answer["details"]["field"] == "as_of"


async def remembers(scene: Scene) -> bool:
    """Whether the view has caught up once, so that its rows can be asked again."""
    if not scene.workers[0].checkpoints:
        return False
    at = {domain: len(events) for domain, events in scene.streams.items()}
    return all([await _remembers(scene, part, at) for part in parts(scene.view)])


async def _remembers(scene: Scene, part: View, at: dict[str, int]) -> bool:
    store = await scene.store(part, Aim.ASKED)
    await store.open()
    try:
        async with store.history() as history:
            await history.at(part, at)
    except NotRemembered:
        return False
    finally:
        await store.close()
    return True
