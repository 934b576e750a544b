"""What was booked to make something right: it answers a divergence, was booked once, and is there
where a divergence of the past is said to be right again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from scripts.audit.events import Event
from scripts.audit.finding import Finding

OWNER = "reconciliation"
ENTRIES = {
    "AdjustPastPayments": "PastPaymentsAdjusted",
    "ClosePastOrder": "PastOrderClosed",
    "AcceptPastCourse": "PastCourseAccepted",
}
"""What each remedy for the past leads to, and nothing else does."""
CORRECTIONS = {
    *("StockAdjusted", "ReservationAdjusted"),
    *("SurplusBooked", "ShortfallBooked", "PaymentAdjusted"),
    *("ParcelCorrected", "ParcelWithdrawn"),
    *ENTRIES.values(),
}
"""Events that nothing but a compensation leads to."""


class Asked(NamedTuple):
    """A compensation: of which divergence, and of which domain it was asked."""

    divergence: str
    domain: str


class Resolved(NamedTuple):
    """Of a divergence of the past: what must be there, among the events up to `upto`."""

    domain: str
    entry: str
    position: int
    upto: int


class Booked(NamedTuple):
    domain: str
    position: int
    type: str
    time: datetime
    cause: int | None
    divergence: str | None


class Compensations:
    """Streams are read one after another, so that all is held against all only when it is asked."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._asked: dict[int, Asked] = {}
        self._entries: dict[str, tuple[str, str]] = {}
        self._resolved: dict[str, Resolved] = {}
        self._unfounded: list[Finding] = []
        self._booked: list[Booked] = []

    def take(self, event: Event) -> None:
        if event.domain == OWNER:
            self._ask(event)
            return
        cause = _cause(event)
        if cause is not None or event.type in CORRECTIONS:
            divergence = event.data.get("divergence_id")
            self._booked.append(
                Booked(event.domain, event.position, event.type, event.time, cause, divergence)
            )

    def findings(self, read: Mapping[str, int]) -> Iterator[Finding]:
        """`read` is how far each stream has been read: what rests on later events waits."""
        yield from self._unfounded
        yield from self._unanswered(read[OWNER])
        yield from self._left_out(read)

    def _unanswered(self, upto: int) -> Iterator[Finding]:
        times: dict[tuple[str, int], datetime] = {}
        for booked in self._booked:
            if booked.cause is not None and booked.cause > upto:
                continue
            of = f"{booked.domain}:{booked.position}"
            asked = self._asked.get(booked.cause) if booked.cause is not None else None
            if asked is None or asked.domain != booked.domain:
                said = f"nobody has asked {booked.domain} for {booked.type}"
                yield Finding("every compensation answers a divergence", of, said)
                continue
            if booked.divergence not in (None, asked.divergence):
                said = f"it names {booked.divergence}, and answers {asked.divergence}"
                yield Finding("every compensation answers a divergence", of, said)
            assert booked.cause is not None
            if times.setdefault((booked.domain, booked.cause), booked.time) != booked.time:
                said = f"{booked.type} once more for {OWNER}:{booked.cause}"
                yield Finding("a compensation is booked once", of, said)

    def _left_out(self, read: Mapping[str, int]) -> Iterator[Finding]:
        there = {(booked.divergence, booked.type) for booked in self._booked}
        for id, resolved in self._resolved.items():
            late = resolved.upto > read.get(resolved.domain, 0)
            if not late and (id, resolved.entry) not in there:
                said = f"{id} is right again, and {resolved.domain} has no {resolved.entry} of it"
                of = f"{OWNER}:{resolved.position}"
                yield Finding("what made the past right was booked", of, said)

    def _ask(self, event: Event) -> None:
        if event.type in ("DivergenceDetected", "DivergenceReopened"):
            self._known.add(event.id)
        elif event.type == "CompensationRequested":
            self._asked[event.position] = Asked(event.id, event.data["domain"])
            if entry := ENTRIES.get(event.data["remedy"]["do"]):
                self._entries[event.id] = event.data["domain"], entry
            if event.id not in self._known:
                of = f"{OWNER}:{event.position}"
                said = f"{event.id} was never detected"
                self._unfounded.append(Finding("every compensation answers a divergence", of, said))
        elif event.type == "DivergenceResolved" and event.id in self._entries:
            domain, entry = self._entries[event.id]
            upto = event.data["positions"].get(domain, 0)
            self._resolved[event.id] = Resolved(domain, entry, event.position, upto)

    def __len__(self) -> int:
        return len(self._asked)


def _cause(event: Event) -> int | None:
    """The position of the event of RECONCILIATION that has led to this one."""
    domain, _, position = event.causation_id.partition(":")
    return int(position) if domain == OWNER and position.isdecimal() else None
