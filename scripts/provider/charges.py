"""The money itself: what is held, taken and given back, by payment. The caller commits."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from domains.payments.provider import (
    Authorize,
    Capture,
    Refund,
    ReportLine,
    Settle,
    Void,
)
from scripts.provider.movements import Movements

MOVE = "UPDATE charge SET {0} = {0} + ? WHERE reference = ? AND currency = ?"
MOVES: dict[type[Capture | Void | Refund], str] = {
    Capture: MOVE.format("captured"),
    Void: MOVE.format("voided"),
    Refund: MOVE.format("refunded"),
}
CHARGE = """
INSERT INTO charge (reference, order_id, payment, type, currency, authorised, settled)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
LINES = """
SELECT number, reference, order_id, payment, type, currency,
       authorised, captured, settled, voided, refunded
FROM charge WHERE number > :after AND (:order_id IS NULL OR order_id = :order_id)
ORDER BY number LIMIT :limit
"""
TOTALS = """
SELECT type, count(*) AS payments, sum(authorised) AS authorised, sum(captured) AS captured,
       sum(settled) AS settled, sum(voided) AS voided, sum(refunded) AS refunded
FROM charge GROUP BY type ORDER BY type
"""


class Impossible(Exception):
    """There is no such payment, or less money than asked for. Nothing was moved."""


class Charges:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.movements = Movements(db)

    def charge(self, request: Authorize | Settle, key: str) -> str:
        """Holds or takes the amount; gives the payment's reference."""
        reference = "ch_" + hashlib.sha256(key.encode()).hexdigest()[:24]
        amount, held = request.amount, isinstance(request, Authorize)
        self._db.execute(
            CHARGE,
            (
                reference,
                request.order_id,
                request.payment,
                request.type,
                amount.currency,
                amount.amount if held else 0,
                0 if held else amount.amount,
            ),
        )
        if not held:
            self.movements.note(reference, "captured", amount.amount)
        if request.token == "tok_capture_fails":
            self._db.execute("INSERT INTO closed (reference) VALUES (?)", (reference,))
        return reference

    def fails(self, request: Capture) -> bool:
        """Whether the card has been closed since the money was held on it."""
        query = "SELECT 1 FROM closed WHERE reference = ?"
        return self._db.execute(query, (request.reference,)).fetchone() is not None

    def move(self, request: Capture | Void | Refund) -> str:
        """Captures, lets go or pays back. Raises Impossible."""
        values = (request.amount.amount, request.reference, request.amount.currency)
        try:
            found = self._db.execute(MOVES[type(request)], values).rowcount
        except sqlite3.IntegrityError:  # the table's CHECKs
            raise Impossible(f"{request.reference} has less than {request.amount}") from None
        if not found:
            raise Impossible(f"there is no payment {request.reference} in that currency")
        match request:
            case Capture():
                self.movements.note(request.reference, "captured", request.amount.amount)
            case Refund():
                self.movements.note(request.reference, "refunded", request.amount.amount)
        return request.reference

    def lines(
        self, after: int, limit: int, order_id: str | None
    ) -> tuple[Sequence[ReportLine], int | None]:
        """A page of payments in the order they were made, and what the next one comes after."""
        asked = {"after": after, "limit": limit, "order_id": order_id}
        rows = self._db.execute(LINES, asked).fetchall()
        lines = [msgspec.convert(dict(row), ReportLine) for row in rows]
        return lines, rows[-1]["number"] if len(rows) == limit else None

    def totals(self) -> Mapping[str, Mapping[str, int]]:
        """Sums by type of payment."""
        sums = [dict(row) for row in self._db.execute(TOTALS)]
        return {row.pop("type"): row for row in sums}
