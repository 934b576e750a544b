"""The provider's settlement report: each time that it took money or paid it back. As CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from domains.payments.provider import MovementLine

COLUMNS = MovementLine.__struct_fields__
AT_ONCE = 1000
"""Lines between two looks into the database."""
NOTE = "INSERT INTO movement (time, reference, kind, amount) VALUES (?, ?, ?, ?)"
LINES = """
SELECT movement.number, time, order_id, payment, reference, kind, amount, currency
FROM movement JOIN charge USING (reference)
WHERE movement.number > ? AND time >= ? AND time <= ? ORDER BY movement.number LIMIT ?
"""


class Movements:
    """The caller of `note` commits."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def note(self, reference: str, kind: Literal["captured", "refunded"], amount: int) -> None:
        self._db.execute(NOTE, (_text(datetime.now(UTC)), reference, kind, amount))

    async def report(self, since: datetime | None, until: datetime | None) -> AsyncIterator[str]:
        """The lines of the file, a few at a time; those of that time, both ends included."""
        yield _csv([COLUMNS])
        bounds = _text(since) if since else "", _text(until) if until else "9"
        number = 0
        while rows := self._db.execute(LINES, (number, *bounds, AT_ONCE)).fetchall():
            number = rows[-1]["number"]
            yield _csv([(f"mv_{row[0]}", *tuple(row)[1:]) for row in rows])
            await asyncio.sleep(0)  # the others' turn


def _text(time: datetime) -> str:
    """In the order of time; to the microsecond."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
