"""A question gets exactly one answer, in one shape, and it says where the view is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import nats
import pytest

from bus.broker.port import NoResponders
from bus.views import gathered
from bus.views.past import Moved
from bus.views.port import Snapshot
from tests.contract.views.scene import Scene


async def test_an_answer_carries_the_row_and_the_positions(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    await scene.at_rest()
    assert await scene.ask("get.b-1") == {
        "status": "ok",
        "id": "b-1",
        "who": "ann",
        "owed": 10,
        "note": "",
        "positions": {"bills": 1, "money": 0},
    }


@pytest.mark.parametrize(("backend", "times"), [("memory", 3), ("memory", 1000)])
async def test_rows_that_move_while_they_are_asked_are_asked_again(
    scene: Scene, times: int
) -> None:
    """More often than a question is put, it is told to ask later."""
    worker = await scene.worker()
    await scene.bill(("b-1", "ann", 7))
    await scene.at_rest()
    store: Any = worker._stores[0]
    snapshot, left = store.snapshot, times

    @asynccontextmanager
    async def moving() -> AsyncIterator[Snapshot]:
        nonlocal left
        async with snapshot() as found:
            yield found
        left -= 1
        if left >= 0:
            raise Moved("debts")

    store.snapshot = moving
    answer = await scene.ask("get.b-1")
    assert answer["status"] == ("ok" if times == 3 else "unavailable")


async def test_an_unknown_key_is_a_404(scene: Scene) -> None:
    await scene.worker()
    reply = await scene.reply("get.b-1")
    assert reply.headers["Nats-Service-Error-Code"] == "404"
    assert reply.headers["Nats-Service-Error"].startswith("UnknownKey: ")
    answer = msgspec.json.decode(reply.body)
    assert (answer["status"], answer["code"]) == ("unknown", "UnknownKey")
    assert "b-1" in answer["message"]


async def test_a_page_leads_to_the_next(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(*((f"b-{n}", "ann", n) for n in range(5)), ("b-9", "bob", 1))
    await scene.at_rest()
    found: list[str] = []
    question: dict[str, Any] = {"who": "ann", "limit": 2}
    while True:
        answer = await scene.ask("by_who", msgspec.json.encode(question))
        assert answer["status"] == "ok"
        assert answer["positions"]["bills"] == 6
        found += [row["id"] for row in answer["rows"]]
        if answer["next"] is None:
            break
        question["page"] = answer["next"]
    assert found == [f"b-{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"limit":0}', "limit"),
        (b'{"limit":1001}', "limit"),
        (b'{"limit":"10"}', "limit"),
        (b'{"limit":true}', "limit"),
        (b'{"limit":1.5}', "limit"),
        (b'{"colour":"red"}', "colour"),
        (b'{"page":"nonsense"}', "page"),
        (b'{"who":null}', "who"),
        (b'{"limit":1' + b"0" * 5000 + b"}", None),
        (b"[]", None),
        (b"null", None),
        (b"{", None),
        (b"\xff", None),
        (b'\xef\xbb\xbf{"who":"ann"}', None),
        (b"[" * 200_000, None),
        (b'{"who":"\\ud800"}', None),
        (b'{"limit":NaN}', None),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(
    scene: Scene, body: bytes, field: str | None
) -> None:
    if scene.backend != "memory" and field is None:
        return  # it never comes to the store
    await scene.worker()
    reply = await scene.reply("by_who", body)
    answer = msgspec.json.decode(reply.body)
    assert answer["status"] == "invalid", answer
    assert answer["code"] in ("InvalidBody", "MalformedJson")
    assert reply.headers["Nats-Service-Error-Code"] == "400"
    if field is not None:
        assert answer["details"]["field"] == field


@pytest.mark.parametrize("who", ["a\0b", "☃", "'; drop table views; --", "\\", "x" * 10_000])
async def test_any_text_may_be_asked_for(scene: Scene, who: str) -> None:
    await scene.worker()
    answer = await scene.ask("by_who", msgspec.json.encode({"who": who}))
    assert answer["rows"] == []


async def test_a_query_that_needs_a_key_says_so(scene: Scene) -> None:
    await scene.worker()
    answer = await scene.ask("get")
    assert (answer["status"], answer["code"]) == ("invalid", "InvalidSubject")
    assert "qry.debts.get.<key>" in answer["message"]


async def test_a_query_that_the_view_does_not_have_is_nobodys(scene: Scene) -> None:
    await scene.worker()
    with pytest.raises(NoResponders):
        await scene.ask("nothing")


async def test_an_answer_that_does_not_fit_asks_for_a_smaller_page(scene: Scene) -> None:
    await scene.worker()
    for n in range(8):
        await scene.bill(*((f"b-{n}-{k}-" + "x" * 60, "y" * 1900, 1) for k in range(100)))
    await scene.at_rest()
    body = msgspec.json.encode({"who": "y" * 1900, "limit": 1000})
    reply = await scene.reply("by_who", body)
    assert reply.headers["Nats-Service-Error-Code"] == "413"
    assert "ask for less" in msgspec.json.decode(reply.body)["message"]


async def test_a_question_can_wait_for_what_its_asker_has_just_done(scene: Scene) -> None:
    await scene.worker()
    asking = asyncio.create_task(scene.ask("get.b-1", headers={"At-Least": "bills=2, money=1"}))
    await scene.bill(("b-1", "ann", 10))
    await scene.pay(("b-1", 1))
    await scene.bill(("b-1", "ann", 20))
    answer = await asking
    assert answer["owed"] == 29


async def test_it_may_say_so_in_its_body(scene: Scene) -> None:
    await scene.worker()
    body = b'{"who":"ann","after":{"bills":2,"money":1}}'
    asking = asyncio.create_task(scene.ask("by_who", body))
    await scene.bill(("b-1", "ann", 10))
    await scene.pay(("b-1", 1))
    await scene.bill(("b-1", "ann", 20))
    answer = await asking
    assert [row["owed"] for row in answer["rows"]] == [29]
    assert answer["positions"] == {"bills": 2, "money": 1}


async def test_of_header_and_body_the_further_position_counts(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    for header, body in (
        ("bills=2", b'{"after":{"bills":1}}'),
        ("bills=1", b'{"after":{"bills":2}}'),
    ):
        late = await scene.ask("get.b-1", body, {"At-Least": header})
        assert late["code"] == "CatchingUp"


async def test_a_question_that_has_waited_in_vain_says_how_far_the_view_is(scene: Scene) -> None:
    await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    await scene.at_rest()
    headers = {"at-least": "bills=99,money=0"}
    reply = await scene.reply("get.b-1", headers=headers)
    late = msgspec.json.decode(reply.body)
    assert (late["status"], late["code"]) == ("unavailable", "CatchingUp")
    assert "bills=1, 98 behind" in late["message"]
    assert late["details"] == {"retry_after": 1, "positions": {"bills": 1}}
    assert reply.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    "after",
    [b'{"other":1}', b'{"bills":-1}', b'{"bills":"1"}', b'{"bills":1.5}', b"[]", b"7", b'"next"'],
)
async def test_positions_in_a_body_are_checked(scene: Scene, after: bytes) -> None:
    if scene.backend == "memory":
        await scene.worker()
        answer = await scene.ask("get.b-1", b'{"after":' + after + b"}")
        assert (answer["status"], answer["code"]) == ("invalid", "InvalidBody")
        assert answer["details"]["field"] == "after"


async def test_a_stream_that_the_view_does_not_read_is_refused_as_such(scene: Scene) -> None:
    await scene.worker()
    answer = await scene.ask("get.b-1", b'{"after":{"shipping":7}}')
    assert "'shipping'" in answer["message"]
    assert "bills, money" in answer["message"]


async def test_a_question_that_waits_makes_the_view_hurry(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathered, "PACE", 3600.0)
    await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    await scene.at_rest()
    for number in (2, 3, 4):
        await scene.bill(("b-1", "ann", 10))
        answer = await scene.ask("get.b-1", headers={"At-Least": f"bills={number}"})
        assert answer["owed"] == 10 * number


@pytest.mark.parametrize("header", ["bills", "bills=", "bills=-1", "other=1", "bills=1;money=1"])
async def test_positions_to_wait_for_are_checked(scene: Scene, header: str) -> None:
    if scene.backend == "memory":
        await scene.worker()
        answer = await scene.ask("get.b-1", headers={"At-Least": header})
        assert (answer["status"], answer["code"]) == ("invalid", "InvalidHeader")


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
async def test_of_several_workers_one_answers(scene: Scene) -> None:
    for _ in range(3):
        await scene.worker()
    client = await nats.connect(scene.ground.nats.url)  # type: ignore[attr-defined]
    inbox = client.new_inbox()
    listening = await client.subscribe(inbox)
    for subject in ("qry.debts.get.b-1", "qry.debts.get", "qry.debts.by_who", "parked.debts.list"):
        for _ in range(5):
            await client.publish(subject, b"", reply=inbox)
        for _ in range(5):
            await listening.next_msg(10)
    for worker in list(scene.workers):
        await scene.stop(worker)  # whatever else was on its way has been sent by then
    await client.flush()
    assert listening.pending_msgs == 0
    await client.close()
