"""What the shop's books say, asked of the views as anybody can."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from scripts.olist.values import CURRENCY

PAGE = 1000
PATIENCE = 60.0
"""Seconds that one answer may take: some add up all orders."""

Found = Mapping[str, Any]


class NoAnswer(Exception):
    """A view or a log does not answer as it should; the message says which and what to do."""


class Books:
    """Asks the views. Every method raises NoAnswer. Amounts are cents of BRL."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def orders(self) -> Mapping[str, int]:
        """Orders by state; cancelled ones by who ended them, too."""
        found: Counter[str] = Counter()
        for row in await self._rows("orders", "counts"):
            cause = f" ({row['cancel_cause']})" if row["cancel_cause"] else ""
            found[f"{row['state']}{cause}"] += row["count"]
        return found

    async def totals(self) -> Sequence[Found]:
        """Payments and their money, by type and state."""
        return await self._rows("payments", "totals")

    async def sales(self, by: str) -> Sequence[Found]:
        """Units, revenue and freight by `month`, `category` or `seller`."""
        return [row async for row in self._paged("sales", f"by_{by}")]

    async def stock(self) -> Sequence[Found]:
        """Every SKU with its units."""
        return [row async for row in self._paged("stock", "list")]

    async def _rows(self, view: str, query: str) -> Sequence[Found]:
        answer = await self.ask(subjects.query(view, query), {})
        return [row for row in answer["rows"] if row["currency"] == CURRENCY]

    async def _paged(self, view: str, query: str) -> AsyncIterator[Found]:
        after: str | None = None
        while True:
            question = {"limit": PAGE, "page": after}
            answer = await self.ask(subjects.query(view, query), question)
            for row in answer["rows"]:
                if row.get("currency", CURRENCY) == CURRENCY:
                    yield row
            after = answer["next"]
            if after is None:
                return

    async def ask(self, subject: str, question: Found) -> Found:
        """The answer's JSON."""
        body = msgspec.json.encode(question)
        try:
            reply = await self._broker.request(subject, body, timeout=PATIENCE)
        except NoResponders:
            raise NoAnswer(f"nobody answers on {subject}: see `scripts/trueup status`.") from None
        except BrokerUnavailable as error:
            raise NoAnswer(f"no answer on {subject}: {error}.") from None
        answer: Found = msgspec.json.decode(reply.body)
        trouble = reply.headers.get("Nats-Service-Error", "")
        if trouble:
            raise NoAnswer(f"{subject}: {trouble}.")
        return answer
