"""What is parked can be listed by anybody and is tried again by whoever leads."""

from __future__ import annotations

from typing import Any

import msgspec

from bus import parked, subjects
from bus.parked import Retried
from bus.store.port import Append, Parked
from tests.contract.way.conftest import Till

EVENT = b'{"id":"e-1","type":"Deposited"}'


async def serve(till: Till, answers: list[Retried | None], asked: list[str | None]) -> None:
    """One process for each of `answers`; None stands by."""
    for answer in answers:

        async def retry(key: str | None, answer: Retried | None = answer) -> Retried | None:
            if answer is not None:
                asked.append(key)
            return answer

        broker = await till.another_broker()
        endpoints = parked.endpoints("till", till.store, retry)
        await broker.serve("till", "A till", "1.0.0", endpoints)


async def ask(till: Till, subject: str, body: bytes = b"") -> Any:
    reply = await till.broker.request(subject, body)
    return msgspec.json.decode(reply.body)


async def test_the_list_shows_what_waits_and_why(till: Till) -> None:
    rows = [
        Parked("till/elsewhere", "till/t-1", 4, EVENT, "LookupError: no account"),
        Parked("till/elsewhere", "position/9", 9, b"no json", "DecodeError: bad"),
    ]
    await till.store.append(Append(parked=rows))
    await serve(till, [None], [])
    found = (await ask(till, subjects.parked_list("till")))["parked"]
    by_key = {row["key"]: row for row in found}
    assert by_key["till/t-1"]["event"] == {"id": "e-1", "type": "Deposited"}
    assert by_key["till/t-1"]["reader"] == "till/elsewhere"
    assert by_key["till/t-1"]["reason"] == "LookupError: no account"
    assert by_key["till/t-1"]["position"] == 4
    assert by_key["till/t-1"]["attempts"] == 1
    assert by_key["position/9"]["event"] == "no json"


async def test_only_the_leader_answers_a_retry(till: Till) -> None:
    asked: list[str | None] = []
    await serve(till, [None, Retried(3, 1), None], asked)
    assert await ask(till, subjects.parked_retry("till")) == {"retried": 3, "failed": 1}
    question = b'{"key":"till/t-1"}'
    assert await ask(till, subjects.parked_retry("till"), question) == {"retried": 3, "failed": 1}
    assert asked == [None, "till/t-1"]


async def test_a_retry_that_makes_no_sense_is_answered_with_400(till: Till) -> None:
    await serve(till, [Retried()], [])
    found = await ask(till, subjects.parked_retry("till"), b'{"keys":[]}')
    assert found["status"] == "invalid"
