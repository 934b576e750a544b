"""The smallest domain that has something of everything: a door with a bell."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bus.contract import Contract
from bus.decider import Decider, Domain, NotYet, Reaction, Refused, Span, States, Unknown
from bus.duties import Deadline, Duty
from bus.envelope import Key, Recorded
from bus.messages import Command, Event, Money


class OpenDoor(Command, tag="OpenDoor"):
    price: Money | None = None


class LockDoor(Command, tag="LockDoor"):
    """Locks this door and all that are named."""

    others: list[str]


class DoorOpened(Event, tag="DoorOpened"):
    price: Money | None = None


class DoorLocked(Event, tag="DoorLocked"):
    pass


class BellRung(Event, tag="BellRung"):
    loud: bool


DOORS = Contract(
    domain="doors",
    commands={"door": (OpenDoor, LockDoor)},
    events={"door": (DoorOpened, DoorLocked)},
)
BELLS = Contract(domain="bells", commands={}, events={"bell": (BellRung,)})


def _open(command: OpenDoor, state: str, now: datetime) -> Sequence[Event]:
    match state:
        case "unknown":
            raise Unknown("NoDoor", f"There is no door {command.id}.")
        case "locked":
            raise Refused("Locked", "The door is locked.", since="noon")
        case "stuck":
            raise NotYet("bells", Refused("Stuck", "The door is stuck."))
        case "open":
            return []
        case _:
            return [DoorOpened(price=command.price)]


def _evolve(state: str, event: Event) -> str:
    return "open" if isinstance(event, DoorOpened) else "locked"


def _lock(command: LockDoor, states: States, now: datetime) -> Iterable[tuple[Key, Event]]:
    return [(Key("door", id), DoorLocked()) for id in (command.id, *command.others)]


def _ring(recorded: Recorded[Any]) -> Iterable[Command]:
    if recorded.data.loud:
        yield OpenDoor(id=recorded.id)
        yield OpenDoor(id="back")


def _duties(recorded: Recorded[Any]) -> Iterable[Duty]:
    if isinstance(recorded.data, DoorOpened):
        at = recorded.time + timedelta(minutes=1)
        yield Deadline(name="close", at=at, command=LockDoor(id=recorded.id, others=[]))


def doors(initial: str = "closed", *, reads_all: bool = True) -> Domain:
    def reads(command: LockDoor) -> Iterable[Key]:
        names = (command.id, *command.others) if reads_all else (command.id,)
        return [Key("door", name) for name in names]

    return Domain(
        contract=DOORS,
        deciders={"door": Decider(initial=initial, decide=_open, evolve=_evolve)},
        spans={LockDoor: Span(reads=reads, decide=_lock)},
        reactions=[Reaction(BELLS, _ring)],
        duties=_duties,
    )
