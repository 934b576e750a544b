"""Anybody may ask an owner for its events; every question has one answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus import log, subjects
from bus.broker.port import Reply
from bus.store.port import START, Append, Checkpoint, Moved
from tests.contract.way.conftest import Till
from tests.contract.way.till_events import append, deposited


async def ask(till: Till, subject: str, body: bytes = b"") -> Reply:
    return await till.damage.broker.request(subject, body)


async def page(till: Till, subject: str, **question: int) -> Any:
    reply = await ask(till, subject, msgspec.json.encode(question))
    return msgspec.json.decode(reply.body)


@pytest.fixture
async def served(till: Till) -> Till:
    await append(till.store, 30)
    await till.serve_log()
    return till


async def test_events_are_read_by_position(served: Till) -> None:
    found = await page(served, "log.till.read", after=10, limit=5)
    assert [event["position"] for event in found["events"]] == [11, 12, 13, 14, 15]
    assert found["head"] == 30
    assert found["events"][0]["event"]["type"] == "Deposited"


async def test_the_bytes_are_the_stored_ones(served: Till) -> None:
    reply = await ask(served, subjects.log_read("till"), b'{"limit":1000}')
    events = msgspec.json.decode(reply.body, type=log.Page).events
    stored = await served.store.read(0, 1000)
    assert [bytes(event.event) for event in events] == [event.body for event in stored]


async def test_no_body_asks_for_the_first_hundred(served: Till) -> None:
    assert len((await page(served, "log.till.read"))["events"]) == 30


async def test_behind_the_end_there_is_nothing(served: Till) -> None:
    assert await page(served, "log.till.read", after=30) == {"events": [], "head": 30}


async def test_one_aggregate_s_life_is_read_by_its_id(served: Till) -> None:
    event = deposited("t-3", 2, amount=9)
    await served.store.append(Append(expected={event.key: 1}, events=[event]))
    found = await page(served, "log.till.history.t-3")
    assert [event["position"] for event in found["events"]] == [3, 31]
    assert [event["event"]["subject"] for event in found["events"]] == ["till/t-3"] * 2


async def test_an_answer_is_cut_where_it_would_not_fit(till: Till) -> None:
    wide = [deposited(f"w-{n}", 1) for n in range(4)]
    filled = [e._replace(body=e.body[:-1] + b" " * 400_000 + b"}") for e in wide]
    await till.store.append(Append(expected={e.key: 0 for e in filled}, events=filled))
    await till.serve_log()
    found = await page(till, "log.till.read")
    assert len(found["events"]) == 2
    reading = await till.reader()
    seen = 0
    async for batch in reading.follow(await till.at(1)):
        seen += len(batch)
        if seen == 3:
            break


async def test_who_owes_something_says_how_far_he_has_got(till: Till) -> None:
    event = deposited("t-1", 1)
    moved = Moved("shop", START, Checkpoint(7, "event-7"))
    await till.store.append(Append(expected={event.key: 0}, events=[event], moved=[moved]))
    endpoints = log.endpoints(till.contract, till.store, upstreams=["shop", "bank"])
    await till.broker.serve("till", "A till", "1.0.0", endpoints)
    reply = await ask(till, subjects.log_tracking("till"))
    assert msgspec.json.decode(reply.body) == {"positions": {"shop": 7, "bank": 0}, "head": 1}


NONSENSE = [
    b"nonsense",
    b"[]",
    b'{"after":-1}',
    b'{"after":1e400}',
    b'{"limit":0}',
    b'{"limit":1001}',
    b'{"unknown":1}',
    b'{"after":true}',
    b"\xff",
    b'{"after":9223372036854775808}',
    b"[" * 100_000,
]


async def test_a_question_that_makes_no_sense_is_answered_with_400(served: Till) -> None:
    for subject in ("log.till.read", "log.till.history.t-1"):
        for body in NONSENSE:
            reply = await ask(served, subject, body)
            assert reply.headers["Nats-Service-Error-Code"] == "400", body
            assert msgspec.json.decode(reply.body)["status"] == "invalid"


async def test_while_the_store_is_away_the_answer_is_503(memory_till: Till) -> None:
    await memory_till.serve_log()
    memory_till.ground.disks["till"].unavailable = True  # type: ignore[attr-defined]
    reply = await ask(memory_till, "log.till.read")
    assert reply.headers["Nats-Service-Error-Code"] == "503"
