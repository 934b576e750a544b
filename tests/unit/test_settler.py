"""Who hands in a report waits for those who must answer, and says who does not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import msgspec
import pytest

from bus.broker.port import Broker, NoResponders, Reply
from bus.testing import NOW
from scripts.sender import MeshSilent
from scripts.settlement.absent import TRIES
from scripts.settlement.settler import Settler
from tests.unit.payments.reports import movement

BUSY: Mapping[str, str] = {"Nats-Service-Error": "The view is behind: ask again"}


class Hurried:
    """Nobody waits here."""

    def __init__(self) -> None:
        self.slept = 0

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        self.slept += 1


class Answering:
    """Payments' log, the view and payments; each answer of the view is one page, or none."""

    def __init__(self, *pages: Mapping[str, Any] | None) -> None:
        self.pages = list(pages)
        self.commands: list[tuple[str, Any]] = []

    async def request(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply:
        asked = msgspec.json.decode(body)
        if subject.startswith("cmd."):
            self.commands.append((subject, asked))
            return reply({"status": "accepted", "events": [{}], "replayed": False})
        if subject.startswith("log."):
            return reply({"positions": {}, "head": 7})
        assert asked["after"] == {"payments": 7}
        page = self.pages.pop(0) if self.pages else None
        if page is None:
            return Reply(b"", dict(BUSY))
        return reply({"status": "ok", **page})


def reply(answer: Any) -> Reply:
    return Reply(msgspec.json.encode(answer), {})


def settler(broker: Any, clock: Hurried) -> Settler:
    return Settler(cast(Broker, broker), clock, None, NOW)


async def test_each_order_is_told_of_once_the_view_has_caught_up() -> None:
    pages: list[Mapping[str, Any]] = [
        {"rows": [{"id": "o-1"}, {"id": "o-2"}], "next": "2"},
        {"rows": [{"id": "o-3"}], "next": None},
    ]
    broker, clock = Answering(None, None, *pages), Hurried()
    told: list[tuple[int, int]] = []

    settled = await settler(broker, clock).settle(
        {"o-1": [movement("mv-1", 1, 100)]}, lambda *each: told.append(each)
    )

    assert (settled.orders, settled.absent, settled.news) == (3, 2, 3)
    assert (clock.slept, told) == (2, [(0, 3), (3, 3)])
    of = {subject.rpartition(".")[2]: len(asked["movements"]) for subject, asked in broker.commands}
    assert of == {"o-1": 1, "o-2": 0, "o-3": 0}


async def test_where_the_view_stays_behind_nothing_is_sent() -> None:
    broker, clock = Answering(), Hurried()
    with pytest.raises(MeshSilent, match="The view is behind"):
        await settler(broker, clock).settle({"o-1": []}, lambda *each: None)
    assert (broker.commands, clock.slept) == ([], TRIES)


async def test_where_nobody_answers_that_is_said() -> None:
    class Nobody:
        async def request(self, *asked: Any) -> Reply:
            raise NoResponders

    with pytest.raises(MeshSilent, match=r"log\.payments\.tracking"):
        await settler(Nobody(), Hurried()).settle({"o-1": []}, lambda *each: None)
