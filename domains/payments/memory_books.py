"""The books of the provider in memory, with the faults that they may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec.structs import replace

from bus.clock import Clock, SystemClock
from domains.payments.provider import MovementLine, ReportLine


class MemoryBooks:
    """Charges by reference, and the movements of money that they have led to; `clock` tells the
    times of these. A test calls what is a fault."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self.movements: list[MovementLine] = []
        self._lines: dict[str, ReportLine] = {}
        self._moves = 0

    def lines(self) -> Sequence[ReportLine]:
        return list(self._lines.values())

    def line(self, reference: str) -> ReportLine | None:
        return self._lines.get(reference)

    def new_reference(self) -> str:
        return f"ch_{len(self._lines) + 1}"

    def keep(self, line: ReportLine) -> None:
        """A charge as it is now; where that has moved money, there is a movement."""
        before = self._lines.get(line.reference, replace(line, captured=0, settled=0, refunded=0))
        self._lines[line.reference] = line
        self._move(line, "captured", _taken(line) - _taken(before))
        self._move(line, "refunded", line.refunded - before.refunded)

    def take_again(self, order_id: str) -> None:
        """A fault: what was captured for the order is taken once more."""
        for line in self.lines():
            if line.order_id == order_id and line.captured:
                self.take_more(line.reference, line.captured)

    def take_more(self, reference: str, amount: int) -> None:
        """A fault: so much more is taken, beyond what is held."""
        line = self._lines[reference]
        if line.authorised:
            taken, held = line.captured + amount, line.authorised + amount
            self.keep(replace(line, captured=taken, authorised=held))
        else:
            self.keep(replace(line, settled=line.settled + amount))

    def charge_again(self, reference: str) -> None:
        """A fault: what was taken is taken once more, under another reference."""
        line = self._lines[reference]
        empty = replace(line, reference=self.new_reference(), authorised=0, captured=0, refunded=0)
        self.keep(replace(empty, settled=_taken(line)))

    def alter(self, movement: MovementLine, amount: int) -> None:
        """A fault: not what was told has moved, but `amount`, which may be nothing."""
        at, line = self.movements.index(movement), self._lines[movement.reference]
        self.movements[at : at + 1] = [replace(movement, amount=amount)] if amount else []
        name = "settled" if movement.kind == "captured" and line.settled else movement.kind
        changed: dict[str, Any] = {name: getattr(line, name) - movement.amount + amount}
        self._lines[line.reference] = replace(line, **changed)

    def _move(self, line: ReportLine, kind: Literal["captured", "refunded"], amount: int) -> None:
        if not amount:
            return
        self._moves += 1
        movement = MovementLine(
            movement=f"mv_{self._moves}",
            time=self.clock.now(),
            order=line.order_id,
            payment=line.payment,
            reference=line.reference,
            kind=kind,
            amount=amount,
            currency=line.currency,
        )
        self.movements.append(movement)


def _taken(line: ReportLine) -> int:
    return line.captured + line.settled
