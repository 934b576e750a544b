"""The books as the files say that they must be, and as the shop has them, side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bus.broker.port import Broker
from bus.clock import Clock
from scripts.olist.actual import Books, Found
from scripts.olist.course import first_step
from scripts.olist.expected import Expected
from scripts.olist.files import Files
from scripts.olist.mapping import journey
from scripts.olist.rows import Order
from scripts.olist.sides import Section, compare
from scripts.sender import AT_ONCE, Sender

MOVES = ("authorized", "captured", "voided", "settled", "refunded")


class Check:
    """Holds the shop behind `broker`, which is open, against the files.

    Whatever is asked raises NoAnswer or MeshSilent where nobody answers.
    """

    def __init__(self, files: Files, broker: Broker, clock: Clock) -> None:
        """Raises FilesError."""
        self.books = Books(broker)
        self._expected = Expected(files)
        self._sender = Sender(broker, clock)

    async def sections(self) -> Sequence[Section]:
        """Every book."""
        expected, books = self._expected, self.books
        return [
            compare("orders by state", "count", expected.orders(), await books.orders()),
            compare("refused by code", "count", expected.refused(), await self._refused()),
            *self._money(await books.totals()),
            *self._sales("month", "month", await books.sales("month")),
            *self._sales("category", "category", await books.sales("category")),
            *self._sales("seller", "seller_id", await books.sales("seller")),
            *self._stock(await books.stock()),
        ]

    def _money(self, totals: Sequence[Found]) -> Iterator[Section]:
        """How many payments, what they are worth, and what has moved, by payment type."""
        expected = self._expected
        counts, amounts, moves = Counter[str](), Counter[str](), Counter[str]()
        for row in totals:
            counts[f"{row['type']} {row['state']}"] += row["count"]
            amounts[f"{row['type']} {row['state']}"] += row["amount"]
            for move in MOVES:
                moves[f"{row['type']} {move}"] += row[move]
        yield compare("payments by type and state", "count", expected.payments(), counts)
        yield compare("money by type and state", "cents", expected.money(), +amounts)
        yield compare("money moved by type", "cents", expected.moves(), +moves)

    def _sales(self, by: str, column: str, rows: Sequence[Found]) -> Iterator[Section]:
        for what, price in (("revenue", "price"), ("freight", "freight")):
            shop = {row[column]: row[what] for row in rows if row[what]}
            yield compare(f"{what} by {by}", "cents", self._expected.sales(by, price), shop)

    def _stock(self, rows: Sequence[Found]) -> Iterator[Section]:
        for kind, title in (
            ("shipped", "units shipped by SKU"),
            ("on_hand", "units on hand by SKU"),
            ("available", "units available by SKU"),
        ):
            shop = {row["sku"]: row[kind] for row in rows if row[kind]}
            yield compare(title, "count", self._expected.stock(kind), shop)

    async def _refused(self) -> Counter[str]:
        """What the services say of the orders that can't be placed, by code.

        A refusal is no event, but it has a receipt: the same command under the same id gets
        the same answer again, and nothing changes.
        """
        found: Counter[str] = Counter()
        todo = self._expected.refused_orders()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._ask_again(todo, found))
        return found

    async def _ask_again(self, todo: Iterable[Order], found: Counter[str]) -> None:
        for order in todo:
            step = first_step(journey(order))
            answer = await self._sender.send(step.domain, step.command, step.id)
            said = answer.code or answer.status
            found[said if answer.replayed else f"{said}, but never sent before"] += 1
