"""What the importer says before and after: the mapping, how the orders ended, what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.olist.flights import Landed

NAMED = 20
"""Refused orders that a terminal names, at most; a pipe gets all."""
MAPPING = (
    ("delivered", "placed, paid, every parcel dispatched and delivered", "delivered"),
    ("shipped", "placed, paid, every parcel dispatched", "shipped"),
    ("invoiced, processing, approved", "placed, paid", "confirmed"),
    ("created", "placed; its payments stay pending", "awaiting_payment"),
    ("canceled", "placed, paid, cancelled by the customer", "cancelled (customer)"),
    ("canceled, after it left", "sent off; cancelling it is refused", "shipped, delivered"),
    ("unavailable", "placed before there is any stock", "cancelled (unavailable)"),
    ("without items", "placed", "refused NoLines"),
    ("payments are not the sum", "placed", "refused PaymentsDontAddUp"),
)
"""The table of `mapping.py`, for people."""


def before(console: Console) -> None:
    """What is going to be played, and what should come of it."""
    if not console.is_terminal:
        for row in MAPPING:
            _line(console, *row)
        return
    table = Table("in the files", "what is played", "state in the end", box=None)
    for row in MAPPING:
        table.add_row(*row)
    console.print(table)


def after(console: Console, landed: Landed, seconds: float) -> None:
    played = landed.ends.total()
    rate = played / seconds if seconds else 0.0
    console.print(f"{played:,} orders in {seconds:.0f} s, {rate:.0f}/s", highlight=False)
    for end, count in sorted(landed.ends.items()):
        _line(console, end, str(count))
    _line(console, "cancelled too late, refused as expected", str(landed.late_cancellations))
    _refused(console, landed)
    _surprises(console, landed)


def as_json(landed: Landed, seconds: float) -> Mapping[str, Any]:
    return {
        "seconds": round(seconds, 1),
        "ends": dict(sorted(landed.ends.items())),
        "late_cancellations": landed.late_cancellations,
        "refused": [{"order_id": id, "code": code} for id, code in landed.refused],
        "otherwise": [
            {
                "order_id": surprise.order_id,
                "expected": surprise.expected,
                "actual": surprise.actual,
                "message": surprise.message,
            }
            for surprise in landed.surprises
        ],
    }


def _refused(console: Console, landed: Landed) -> None:
    named = landed.refused[: NAMED if console.is_terminal else None]
    for id, code in named:
        _line(console, id, f"refused {code}")
    if left := len(landed.refused) - len(named):
        codes = Counter(code for _, code in landed.refused)
        counts = ", ".join(f"{count:,} {code}" for code, count in codes.most_common())
        _line(console, f"… and {left:,} more, altogether {counts}; a pipe gets them all")


def _surprises(console: Console, landed: Landed) -> None:
    for surprise in landed.surprises:
        expected = f"instead of {surprise.expected}"
        _line(console, surprise.order_id, surprise.actual, expected, surprise.message)


def _line(console: Console, *fields: str) -> None:
    """Columns for people, tabs for programs."""
    if console.is_terminal:
        console.print("".join(f"{field:<42}" for field in fields).rstrip(), highlight=False)
    else:
        console.file.write("\t".join(fields) + "\n")
