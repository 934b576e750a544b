"""Who caused an event, in words."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import NamedTuple

from bus.contract import Contract
from bus.duties import Call, Deadline, Duty
from scripts.story.telling import Chapter, Told, causing_place


class Cause(NamedTuple):
    """`kind` is command, event, deadline, provider or unknown; `name` the command's id, or the
    event's place and type."""

    kind: str
    name: str

    def __str__(self) -> str:
        match self.kind:
            case "deadline":
                return f"deadline set by {self.name}"
            case "provider":
                return f"provider, asked by {self.name}"
            case "event":
                return self.name
            case _:
                return f"{self.kind} {self.name}"


def cause_of(told: Told, contracts: dict[str, Contract]) -> Cause:
    own = told.chapter
    if told.cause is None:
        domain = own.envelope.causationid.rpartition(":")[0]
        known = "unknown" if domain in contracts else "command"
        return Cause(known, own.envelope.causationid)
    name = f"{told.cause.place} {told.cause.envelope.type}"
    if causing_place(own.envelope) is not None:
        return Cause("event", name)
    started = _duties(told.cause, contracts[told.cause.place.domain])
    if any(isinstance(duty, Call) for duty in started):
        return Cause("provider", name)
    return Cause("deadline" if any(isinstance(d, Deadline) for d in started) else "event", name)


def _duties(cause: Chapter, contract: Contract) -> Sequence[Duty]:
    """What the domain owed from that event on."""
    domain = importlib.import_module(f"domains.{contract.domain}.domain").DOMAIN
    return list(domain.duties(contract.decode(cause.place.position, cause.body)))
