"""A domain small enough to know by heart: money in tills, moved within and between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bus.contract import Contract
from bus.decider import Decider, Domain, NotYet, Refused, Span, States
from bus.duties import Deadline, Duty, Settled
from bus.envelope import Key, Recorded
from bus.messages import Command, Event


class Deposit(Command, tag="Deposit"):
    amount: int


class Withdraw(Command, tag="Withdraw"):
    amount: int


class Move(Command, tag="Move"):
    to: str
    amount: int


class Explode(Command, tag="Explode"):
    pass


class Consult(Command, tag="Consult"):
    """Refused, unless the copy of `elsewhere` may be stale."""


class Lock(Command, tag="Lock"):
    pass


class Unlock(Command, tag="Unlock"):
    pass


class Deposited(Event, tag="Deposited"):
    amount: int


class Withdrawn(Event, tag="Withdrawn"):
    amount: int


class Locked(Event, tag="Locked"):
    pass


class Unlocked(Event, tag="Unlocked"):
    pass


TillCommand = Deposit | Withdraw | Explode | Consult | Lock | Unlock


def decide(command: TillCommand, balance: int, now: datetime) -> Sequence[Event]:
    match command:
        case Deposit(amount=0):
            return []
        case Deposit(amount=amount):
            return [Deposited(amount=amount)]
        case Withdraw(amount=amount) if amount > balance:
            raise Refused("TooLittle", f"{balance} is less than {amount}", balance=balance)
        case Withdraw(amount=amount):
            return [Withdrawn(amount=amount)]
        case Consult():
            raise NotYet("elsewhere", Refused("NotThere", "elsewhere has none"))
        case Lock():
            return [Locked()]
        case Unlock():
            return [Unlocked()]
        case Explode():
            raise ZeroDivisionError("boom")


def evolve(balance: int, event: Event) -> int:
    match event:
        case Deposited(amount=amount):
            return balance + amount
        case Withdrawn(amount=amount):
            return balance - amount
        case _:
            return balance


def move(command: Move, states: States, now: datetime) -> Iterable[tuple[Key, Event]]:
    source, target = tills(command)
    if states[source] < command.amount:
        raise Refused("TooLittle", f"{states[source]} is less than {command.amount}")
    return [
        (source, Withdrawn(amount=command.amount)),
        (target, Deposited(amount=command.amount)),
    ]


def tills(command: Move) -> Sequence[Key]:
    return Key("till", command.id), Key("till", command.to)


def duties(recorded: Recorded[Event]) -> Iterable[Duty]:
    match recorded.data:
        case Locked():
            at = recorded.time + timedelta(hours=1)
            yield Deadline(name=f"unlock:{recorded.id}", at=at, command=Unlock(id=recorded.id))
        case Unlocked():
            yield Settled(name=f"unlock:{recorded.id}")


DOMAIN = Domain(
    contract=Contract(
        domain="till",
        commands={"till": (Deposit, Withdraw, Move, Explode, Consult, Lock)},
        internal={"till": (Unlock,)},
        events={"till": (Deposited, Withdrawn, Locked, Unlocked)},
    ),
    deciders={"till": Decider(0, decide, evolve, state=int)},
    spans={Move: Span(tills, move)},
    duties=duties,
)
