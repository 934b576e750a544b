"""What an import of history has recorded, in counts and sums, and how that is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from scripts.olist.past import Facts
from scripts.sender import Answer

NAMED = 20
"""What was turned down that a terminal names, at most; a pipe gets all."""


@dataclass(frozen=True, slots=True)
class TurnedDown:
    domain: str
    id: str
    code: str
    message: str


class Remembered:
    """`facts` by domain, of which `known` had been recorded before; sums in cents of BRL."""

    def __init__(self) -> None:
        self.facts: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.orders: Counter[str] = Counter()
        self.sums: Counter[str] = Counter(
            dict.fromkeys(("lines", "units", "worth", "payments", "paid", "parcels"), 0)
        )
        self.refused: list[TurnedDown] = []

    def note(self, told: Facts) -> None:
        """An order that ordering has taken."""
        self.orders[told.order.state] += 1
        for line in told.order.lines:
            self.sums.update(lines=1, units=line.quantity, worth=line.value.amount)
        for payment in told.payments.payments:
            self.sums.update(payments=1, paid=payment.amount.amount)
        self.sums.update(parcels=len(told.shipments.parcels))

    def answered(self, domain: str, id: str, answer: Answer) -> None:
        if answer.status == "accepted":
            self.facts[domain] += 1
            self.known[domain] += answer.replayed
        else:
            self.refused.append(
                TurnedDown(domain, id, answer.code or answer.status, answer.message)
            )


def as_json(found: Remembered, seconds: float) -> Mapping[str, Any]:
    return {
        "seconds": round(seconds, 1),
        "orders": dict(sorted(found.orders.items())),
        "sums": dict(found.sums),
        "facts": dict(sorted(found.facts.items())),
        "known_before": dict(sorted(found.known.items())),
        "refused": [
            {"domain": one.domain, "id": one.id, "code": one.code, "message": one.message}
            for one in found.refused
        ],
    }


def show(console: Console, found: Remembered, seconds: float) -> None:
    """Columns for people, tabs for programs."""
    orders = found.orders.total()
    rate = orders / seconds if seconds else 0.0
    console.print(f"{orders:,} orders in {seconds:.0f} s, {rate:.0f}/s", highlight=False)
    for fields in _rows(found):
        _line(console, *fields)
    named = found.refused[: NAMED if console.is_terminal else None]
    for one in named:
        _line(console, one.id, f"{one.domain}: {one.code}", one.message)
    if left := len(found.refused) - len(named):
        _line(console, f"… and {left:,} more were turned down; a pipe gets them all")


def _rows(found: Remembered) -> Iterator[tuple[str, ...]]:
    for state, count in sorted(found.orders.items()):
        yield f"orders {state}", str(count)
    for name in ("lines", "units", "parcels", "payments"):
        yield name, str(found.sums[name])
    yield "the lines cost", _real(found.sums["worth"])
    yield "was paid", _real(found.sums["paid"])
    for domain, count in sorted(found.facts.items()):
        yield f"facts in {domain}", str(count), f"{found.known[domain]} were there before"


def _real(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02} BRL"


def _line(console: Console, *fields: str) -> None:
    if console.is_terminal:
        console.print("".join(f"{field:<36}" for field in fields).rstrip(), highlight=False)
    else:
        console.file.write("\t".join(fields) + "\n")
