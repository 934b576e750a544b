"""The provider's memory: what it was asked under which key, and what it answered.

Each request is one small transaction in WAL mode. `synchronous=NORMAL` has the log with the
operating system before it is answered: that survives kill -9, and waits for no disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from domains.payments.provider import (
    Answer,
    Authorize,
    Capture,
    Done,
    Pending,
    Refusal,
    Request,
    Settle,
)
from scripts.provider.charges import Charges
from scripts.provider.control import Control

POLL_AT_LEAST, POLL_AT_MOST = 0.05, 60.0
"""Seconds until the next question about a pending payment."""
KEEP = "INSERT INTO asked (key, request, order_id, outcome, answer, due) VALUES (?,?,?,?,?,?)"
SETTLED = "UPDATE asked SET outcome = 'done', answer = ? WHERE key = ?"


class KeyReused(Exception):
    """The idempotency key has been used for another request."""


class Ledger:
    """Raises sqlite3.Error where the file can't be used. Times are Unix time, in seconds."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(resources.files(__package__).joinpath("schema.sql").read_text())
        self.charges = Charges(self._db)
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Request)

    def close(self) -> None:
        self._db.close()

    def ask(self, request: Request, key: str, control: Control, now: float) -> tuple[Answer, bool]:
        """The answer, and whether it was given for the first time.

        Raises KeyReused, Impossible.
        """
        body = self._encoder.encode(request)
        with self._transaction():
            known = self._db.execute("SELECT * FROM asked WHERE key = ?", (key,)).fetchone()
            if known is None:
                answer, due = self._decide(request, key, control, now)
                outcome, text = _stored(answer)
                self._db.execute(KEEP, (key, body, request.order_id, outcome, text, due))
                return answer, True
            if known["request"] != body:
                raise KeyReused
            return self._again(known, now), False

    def pay(self, order_id: str) -> int:
        """The customer pays the order's pending payments; gives how many those were."""
        return self._settle_where("order_id = ?", order_id)

    def totals(self, now: float) -> Mapping[str, Mapping[str, int]]:
        """Sums by type of payment, with all boletos that were due to be paid by `now`."""
        self.pay_due(now)
        return self.charges.totals()

    def pay_due(self, now: float) -> None:
        """All boletos that were to be paid by `now`."""
        self._settle_where("due <= ?", now)

    def control(self) -> Control:
        row = self._db.execute("SELECT body FROM control").fetchone()
        return msgspec.json.decode(row["body"], type=Control) if row else Control()

    def keep_control(self, control: Control) -> None:
        body = self._encoder.encode(control)
        self._db.execute("INSERT OR REPLACE INTO control (only, body) VALUES (1, ?)", (body,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _decide(
        self, request: Request, key: str, control: Control, now: float
    ) -> tuple[Answer, float | None]:
        """The first answer, and when a pending one is paid."""
        if isinstance(request, Capture) and self.charges.fails(request):
            return Refusal("the card was closed meanwhile"), None
        if not isinstance(request, Authorize | Settle):
            return Done(self.charges.move(request)), None
        if control.declines(request):
            return Refusal("declined by the customer's bank"), None
        if request.token == "tok_pending":
            return _pending(None, now), None
        if request.type == "boleto" and control.boleto_delay_s:
            due = now + control.boleto_delay_s
            return _pending(due, now), due
        return Done(self.charges.charge(request, key)), None

    def _again(self, known: sqlite3.Row, now: float) -> Answer:
        match known["outcome"]:
            case "done":
                return Done(known["answer"])
            case "declined":
                return Refusal(known["answer"])
            case _ if known["due"] is not None and known["due"] <= now:
                return self._settle(known)
            case _:
                return _pending(known["due"], now)

    def _settle_where(self, condition: str, value: str | float) -> int:
        query = f"SELECT * FROM asked WHERE outcome = 'pending' AND {condition}"
        with self._transaction():
            pending = self._db.execute(query, (value,)).fetchall()
            for row in pending:
                self._settle(row)
        return len(pending)

    def _settle(self, row: sqlite3.Row) -> Done:
        reference = self.charges.charge(self._decoder.decode(row["request"]), row["key"])
        self._db.execute(SETTLED, (reference, row["key"]))
        return Done(reference)


def _stored(answer: Answer) -> tuple[str, str]:
    match answer:
        case Done(reference):
            return "done", reference
        case Refusal(reason):
            return "declined", reason
        case _:
            return "pending", ""


def _pending(due: float | None, now: float) -> Pending:
    wait = POLL_AT_MOST if due is None else due - now
    return Pending(min(max(wait, POLL_AT_LEAST), POLL_AT_MOST))
