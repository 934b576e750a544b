"""What the lines of a settlement report must hold against each other, and against its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domains.payments.messages import MOST_MOVEMENTS, Movement


class Lines:
    """Takes line after line. `orders` are their movements, each once."""

    def __init__(self, until: datetime | None, now: datetime) -> None:
        self.orders: dict[str, list[Movement]] = {}
        self._until = until
        self._now = now
        self._known: dict[str, tuple[str, Movement, int]] = {}
        self._currencies: dict[str, tuple[str, int]] = {}

    def take(self, order: str, movement: Movement, line: int) -> Iterator[str]:
        """What is wrong with it, each with its column."""
        before = self._known.setdefault(movement.id, (order, movement, line))
        if before[2] != line:
            if before[:2] != (order, movement):
                said = f"{movement.id} was in line {before[2]} already, and otherwise"
                yield f"column movement: {said}"
            return
        self.orders.setdefault(order, []).append(movement)
        yield from self._timely(movement)
        yield from self._fitting(order, movement, line)

    def _timely(self, movement: Movement) -> Iterator[str]:
        if self._until is not None and movement.time > self._until:
            yield "column time: it is later than the end of the report that --until names"
        elif movement.time > self._now:
            yield "column time: it is still to come"

    def _fitting(self, order: str, movement: Movement, line: int) -> Iterator[str]:
        currency = movement.amount.currency
        first, there = self._currencies.setdefault(order, (currency, line))
        if currency != first:
            yield f"column currency: order {order} is in {first} in line {there}"
        if len(self.orders[order]) == MOST_MOVEMENTS + 1:
            yield f"column order: {order} has more than {MOST_MOVEMENTS} movements"
