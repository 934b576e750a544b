"""A domain downstream of the till: notes what was deposited, and can be made to fail at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import Struct

from bus.contract import Contract
from bus.decider import Decider, Domain, Reaction, Refused
from bus.duties import Call, Deadline, Duty
from bus.envelope import Recorded
from bus.messages import Command, Event
from tests.unit.kernel import till

REFUSED = 7
QUIET = 0
TIMED = 100
ASKED = 200


class Note(Command, tag="Note"):
    amount: int


class Close(Command, tag="Close"):
    pass


class Book(Command, tag="Book"):
    reference: str


class Noted(Event, tag="Noted"):
    amount: int


class Closed(Event, tag="Closed"):
    pass


class Booked(Event, tag="Booked"):
    reference: str


class Ask(Struct, frozen=True, tag="Ask"):
    amount: int


@dataclass
class Faults:
    """Amounts that a part of the ledger can't bear, until a test takes them out."""

    react: set[int] = field(default_factory=set)
    decide: set[int] = field(default_factory=set)


CONTRACT = Contract(
    domain="ledger",
    commands={"page": (Note,)},
    internal={"page": (Close, Book)},
    events={"page": (Noted, Closed, Booked)},
)


def ledger(faults: Faults) -> Domain:
    def decide(command: Command, notes: int, now: datetime) -> Sequence[Event]:
        match command:
            case Note(amount=amount) if amount in faults.decide:
                raise ZeroDivisionError("can't divide it")
            case Note(amount=amount) if amount == REFUSED:
                raise Refused("Unlucky", "seven is not taken")
            case Note(amount=amount):
                return [Noted(amount=amount)]
            case Book(reference=reference):
                return [Booked(reference=reference)]
            case _:
                return [Closed()]

    def react(recorded: Recorded[till.Deposited]) -> Iterable[Command]:
        amount = recorded.data.amount
        if amount in faults.react:
            raise LookupError("no such\naccount")
        return () if amount == QUIET else (Note(id=recorded.id, amount=amount),)

    return Domain(
        contract=CONTRACT,
        deciders={"page": Decider(0, decide, lambda notes, _: notes + 1)},
        reactions=(Reaction(till.DOMAIN.contract, react),),
        duties=duties,
    )


def duties(recorded: Recorded[Event]) -> Iterable[Duty]:
    match recorded.data:
        case Noted(amount=amount) if amount == TIMED:
            at = recorded.time + timedelta(minutes=10)
            yield Deadline(name=f"close:{recorded.id}", at=at, command=Close(id=recorded.id))
        case Noted(amount=amount) if amount == ASKED:
            yield Call(name=f"ask:{recorded.id}", request=Ask(amount=amount))
        case _:
            return
