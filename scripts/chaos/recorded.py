"""Answers that were given, and whether they are given again as of the positions they printed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from scripts.chaos.patient import Patient
from scripts.chaos.questions import Question
from scripts.commands.output import say

SHOWN = 400
"""Bytes of an answer that differs, from a little before where it does."""


class When(StrEnum):
    """When an answer was asked again."""

    AT_ONCE = "at once"
    LATER = "later"
    AFTER = "after the load"


class Recorded(NamedTuple):
    question: Question
    body: bytes

    @property
    def answer(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def positions(self) -> Mapping[str, int]:
        positions: Mapping[str, int] = self.answer["positions"]
        return positions


@dataclass
class Tally:
    """How many answers of each view's queries were asked again, when, and how many differed."""

    again: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(of[when] for of in self.again.values() for when in When)

    @property
    def differ(self) -> int:
        return sum(of["differ"] for of in self.again.values())

    def rows(self) -> list[dict[str, Any]]:
        columns = [*When, "differ"]
        return [
            {"query": name, **{column: of[column] for column in columns}}
            for name, of in sorted(self.again.items())
        ]


class Asking:
    """Asks now and as of then, and counts what differs."""

    def __init__(self, patient: Patient) -> None:
        self.tally = Tally()
        self._patient = patient

    async def record(
        self, question: Question, as_of: Mapping[str, int] | None = None
    ) -> Recorded | None:
        """The answer; None where nothing is known of what was asked for. Raises Broken."""
        reply = await self._patient.ask(question.subject, question.body(as_of))
        answer = msgspec.json.decode(reply.body)
        if answer["status"] != "ok":
            if answer["code"] != "UnknownKey":
                self.wrong(f"{question.name} {question.body(as_of).decode()}: {answer['message']}")
            return None
        return Recorded(question, reply.body)

    async def remembered(self, question: Question) -> bool:
        """Whether the view can be asked as it is now, once that is past. Raises Broken."""
        recorded = await self.record(question)
        if recorded is None:
            return False
        body = question.body(recorded.positions)
        reply = await self._patient.ask(question.subject, body)
        return reply.body == recorded.body

    async def again(self, recorded: Recorded, when: When) -> None:
        """Raises Broken."""
        question, body, positions = recorded.question, recorded.body, recorded.positions
        reply = await self._patient.ask(question.subject, question.body(positions))
        counts = self.tally.again[question.name]
        counts[when] += 1
        if reply.body != body:
            counts["differ"] += 1
            asked = f"{question.subject} {question.body(positions).decode()}"
            was, now = _around(body, reply.body), _around(reply.body, body)
            self.wrong(f"{asked}, {when}:\n  was {was}\n  is  {now}")

    def wrong(self, what: str) -> None:
        self.tally.wrong.append(what)
        say(what)


def _around(body: bytes, other: bytes) -> str:
    """The part of `body` that differs from `other`."""
    pairs = enumerate(zip(body, other, strict=False))
    first = next((n for n, (a, b) in pairs if a != b), min(len(body), len(other)))
    start = max(0, first - SHOWN // 4)
    return body[start : start + SHOWN].decode(errors="replace")
