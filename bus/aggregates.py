"""Hosts an aggregate that is written with the `eventsourcing` library's decorators.

    class Product(Aggregate):
        @event("Listed")
        def __init__(self, name: str, price: Money) -> None: ...

        @event("PriceChanged")
        def change_price(self, price: Money) -> None: ...

    PRODUCT = from_aggregate(
        Product,
        creates=ListProduct,
        methods={ChangePrice: "change_price"},
        events={"Listed": ProductListed, "PriceChanged": PriceChanged},
    )

The library's clock and id generator are never asked: the id is the command's, the time that
of the decision. What is stored are the messages, so an aggregate can be written anew, as a
plain decider, at any time.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate
from eventsourcing.utils import get_topic
from msgspec import structs

from bus.decider import Decider, Refused, Unknown
from bus.messages import Command, Event

_UNTOLD = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = {"originator_id", "originator_version", "originator_topic", "timestamp"}
"""What every event of the library has and the envelope says in Trueup."""

Foreign = type[CanMutateAggregate[Any]]


def from_aggregate(
    aggregate: type[BaseAggregate[Any]],
    *,
    creates: type[Command],
    methods: Mapping[type[Command], str],
    events: Mapping[str, type[Event]],
) -> Decider:
    """A decider that calls `aggregate`'s methods and tells its events as messages.

    `creates` makes a new one; `methods` names the method for each command, for `creates`
    too if it means something to one that exists. A method's arguments are the command's
    fields, and it may raise Refused. `events` names the message for each of the
    aggregate's event classes; both have the same fields. One message may stand for the
    creating event and for another.

    Between decisions the aggregate does not know its `id`, `created_on` and `modified_on`:
    a time that matters later is a field of an event. Raises TypeError where fields differ.
    """
    messages = {getattr(aggregate, name): message for name, message in events.items()}
    for foreign, message in messages.items():
        _check_fields(foreign, message)
    hosted = _Hosted(aggregate, creates, methods, messages)
    return Decider(initial=None, decide=hosted.decide, evolve=hosted.evolve)


@dataclass(frozen=True)
class _Hosted:
    aggregate: type[BaseAggregate[Any]]
    creates: type[Command]
    methods: Mapping[type[Command], str]
    events: Mapping[Foreign, type[Event]]

    def decide(
        self, command: Command, state: BaseAggregate[Any] | None, now: datetime
    ) -> Sequence[Event]:
        working = self._create(command, now) if state is None else self._call(command, state, now)
        return [self._message(event) for event in working.collect_events()]

    def evolve(self, state: BaseAggregate[Any] | None, event: Event) -> BaseAggregate[Any]:
        foreign = self._foreign(type(event), creating=state is None)
        happened = foreign(
            originator_id=self._id("") if state is None else state.id,
            originator_version=1 if state is None else state.version + 1,
            timestamp=_UNTOLD,
            **({"originator_topic": get_topic(self.aggregate)} if state is None else {}),
            **_values(event, _fields(foreign)),
        )
        after: BaseAggregate[Any] = happened.mutate(copy.deepcopy(state))
        return after

    def _create(self, command: Command, now: datetime) -> BaseAggregate[Any]:
        name = self.aggregate.__name__
        if type(command) is not self.creates:
            raise Unknown(f"Unknown{name}", f"There is no {name} {command.id}.")
        foreign = next(event for event in self.events if issubclass(event, CanInitAggregate))
        values = _values(command, _fields(foreign))
        return self.aggregate._create(foreign, id=self._id(command.id), timestamp=now, **values)

    def _call(
        self, command: Command, state: BaseAggregate[Any], now: datetime
    ) -> BaseAggregate[Any]:
        name = self.aggregate.__name__
        if type(command) not in self.methods:
            raise Refused(f"{name}Exists", f"{name} {command.id} exists already.")
        working = copy.deepcopy(state)
        working._id = self._id(command.id)
        # On the instance, where the decorators look: so each event gets the decision's time.
        vars(working)["trigger_event"] = functools.partial(working.trigger_event, timestamp=now)
        values = {name: value for name, value in structs.asdict(command).items() if name != "id"}
        getattr(working, self.methods[type(command)])(**values)
        return working

    def _message(self, event: CanMutateAggregate[Any]) -> Event:
        message = self.events.get(type(event))
        if message is None:
            raise TypeError(f"from_aggregate was given no message for {type(event).__qualname__}")
        return message(**{name: getattr(event, name) for name in _fields(type(event))})

    def _foreign(self, message: type[Event], *, creating: bool) -> Any:
        for foreign, told_as in self.events.items():
            if told_as is message and issubclass(foreign, CanInitAggregate) == creating:
                return foreign
        state = "a new" if creating else "an existing"
        raise TypeError(f"{message.__name__} says nothing about {state} {self.aggregate.__name__}")

    def _id(self, id: str) -> UUID | str:
        """As the aggregate's type wants it; a UUID is derived, always the same from an id."""
        is_uuid = next(iter(self.events)).originator_id_type is UUID
        return uuid5(NAMESPACE_OID, id) if is_uuid else id


def _fields(foreign: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(foreign) if field.name not in _OWN]


def _values(message: Command | Event, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}


def _check_fields(foreign: Foreign, message: type[Event]) -> None:
    theirs, ours = set(_fields(foreign)), set(message.__struct_fields__)
    if theirs != ours:
        raise TypeError(
            f"{foreign.__qualname__} has the fields {sorted(theirs)}, "
            f"its message {message.__name__} has {sorted(ours)}"
        )
