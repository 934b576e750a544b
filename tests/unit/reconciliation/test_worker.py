"""Where much is due, the next look follows at once; where nothing comes of it, it rests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from bus.broker.port import Broker, NoResponders, Reply
from bus.messages import Money
from domains.reconciliation.messages import AcceptPastCourse, Subject
from projections.reconciliation.facts import Row, Task
from projections.reconciliation.found import Found
from projections.reconciliation.worker import AT_ONCE, Reconciler

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGES = 3
MANY = 2 * PAGES * AT_ONCE
RULE = "past-no-carrier-date"


class Rested(Exception):
    """The worker has gone to sleep."""


class Clock:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise Rested


class Services:
    """Answers as they would, where `rows` are due, a page a look; `taken` is what became of each
    report."""

    def __init__(self, rows: int, answer: str = "accepted") -> None:
        self.rows = rows
        self.answer = answer
        self.taken: Counter[str] = Counter()
        self.at_once = 0
        self._under_way = 0

    async def request(self, subject: str, body: bytes, *_: Any) -> Reply:
        return Reply(msgspec.json.encode(await self._answered(subject, body)), {})

    async def _answered(self, subject: str, body: bytes) -> Mapping[str, Any]:
        if subject.startswith("log."):
            return {"positions": {}, "head": 0}
        if subject.startswith("qry."):
            return {"status": "ok", "rows": [row(n) for n in range(min(self.rows, AT_ONCE))]}
        assert self.taken.total() < MANY, "it never rests"
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        await asyncio.sleep(0)
        self._under_way -= 1
        self.taken[subject] += 1
        self.rows -= self.answer == "accepted"
        if self.answer == "silent":
            raise NoResponders(subject)
        return {"status": self.answer}


def row(number: int) -> Row:
    found = Found(
        rule=RULE, said="late", since=NOW, amount=Money(1, "BRL"), remedy=AcceptPastCourse()
    )
    task = Task(id=f"{RULE}-o-{number}", found=found, due="")
    return Row(of=Subject(kind="order", id=f"o-{number}"), due="", tasks=[task], facts={})


async def looked(services: Services) -> Services:
    """Until the worker rests."""
    worker = Reconciler(cast(Broker, services), timedelta(0), Clock())
    with pytest.raises(Rested):
        await worker.run()
    return services


async def test_page_after_page_is_told_without_a_rest() -> None:
    services = await looked(Services(PAGES * AT_ONCE + 1))
    assert services.rows == 0
    assert services.taken.total() == PAGES * AT_ONCE + 1


async def test_a_page_is_told_all_together() -> None:
    assert (await looked(Services(AT_ONCE))).at_once == AT_ONCE


@pytest.mark.parametrize("answer", ["refused", "silent"])
async def test_where_nothing_is_taken_it_rests_after_one_page(answer: str) -> None:
    services = await looked(Services(PAGES * AT_ONCE, answer))
    assert services.taken.total() == AT_ONCE
    assert set(services.taken.values()) == {1}
