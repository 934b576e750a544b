"""Looks at orders as of cuts, through all views that know of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from scripts.chaos.effects import Seen, uncaused
from scripts.chaos.questions import Question, Questions
from scripts.chaos.recorded import Asking, Recorded

ORDERS = 5
"""That are looked at as of one cut."""
LATEST = 100
"""Of which they are drawn: there things are under way."""


class Cuts:
    """`found` are the answers that were given meanwhile; `cuts` and `orders` count what was
    looked at."""

    def __init__(self, asking: Asking, questions: Questions, chance: random.Random) -> None:
        self.found: list[Recorded] = []
        self.cuts = 0
        self.orders = 0
        self._asking = asking
        self._questions = questions
        self._chance = chance

    async def look(self) -> None:
        """Raises Broken."""
        question = Question("cuts", "at", None, self._questions.cut())
        answer = await self._ask(question, None)
        if answer is None:
            return
        cut = answer["cut"]
        self.cuts += 1
        known = self._questions.heard.of("orders", "id")[-LATEST:]
        for id in self._chance.sample(known, min(ORDERS, len(known))):
            self.orders += 1
            for sentence in uncaused(await self._seen(id, cut)):
                self._asking.wrong(f"{sentence}: as of {msgspec.json.encode(cut).decode()}")

    async def _seen(self, id: str, cut: Mapping[str, int]) -> Seen:
        order = await self._ask(Question("orders", "get", id, {}), cut)
        payments = await self._ask(Question("payments", "get", id, {}), cut)
        skus = sorted({line["sku"] for line in order["lines"]}) if order else []
        stock = await self._ask(Question("stock", "many", None, {"skus": skus}), cut)
        sold = {sku: await self._sold(sku, cut) for sku in skus}
        return Seen(id, order, payments, {row["sku"]: row for row in _rows(stock)}, sold)

    async def _sold(self, sku: str, cut: Mapping[str, int]) -> int:
        found = await self._ask(Question("sales", "by_sku", None, {"sku": sku}), cut)
        return sum(row["units"] for row in _rows(found))

    async def _ask(self, question: Question, as_of: Mapping[str, int] | None) -> Any:
        recorded = await self._asking.record(question, as_of)
        if recorded is None:
            return None
        self.found.append(recorded)
        return recorded.answer


def _rows(answer: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = answer["rows"] if answer else ()
    return rows
