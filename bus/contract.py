"""A domain's message catalogue: the names that are spoken about it everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from bus import envelope
from bus.envelope import Recorded
from bus.messages import Command, Event, tag

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the data of one `dataversion` into that of the next."""


@dataclass(frozen=True)
class Contract:
    """What a domain takes and tells. The only thing that other domains import.

    `commands` maps an aggregate to the commands that anybody may send to it; `internal`
    to those that only the domain sends to itself, from reactions, deadlines and outside
    answers. `events` maps an aggregate to what is recorded of it. `upcasters` holds, for
    an event's tag, one step for each older `dataversion`: the current one is their count
    plus 1.
    """

    domain: str
    commands: Mapping[str, tuple[type[Command], ...]]
    events: Mapping[str, tuple[type[Event], ...]]
    internal: Mapping[str, tuple[type[Command], ...]] = field(default_factory=dict)
    upcasters: Mapping[str, tuple[Upcaster, ...]] = field(default_factory=dict)

    @property
    def stream(self) -> str:
        """The name of the domain's JetStream stream."""
        return self.domain.upper()

    @cached_property
    def public(self) -> Mapping[str, type[Command]]:
        """The commands that may be sent from outside, by name."""
        return {tag(c): c for group in self.commands.values() for c in group}

    @cached_property
    def command_types(self) -> Mapping[str, type[Command]]:
        """All commands, internal ones too, by name."""
        return {
            tag(c): c
            for groups in (self.commands, self.internal)
            for group in groups.values()
            for c in group
        }

    @cached_property
    def event_types(self) -> Mapping[str, type[Event]]:
        return {tag(e): e for group in self.events.values() for e in group}

    @cached_property
    def command_aggregates(self) -> Mapping[type[Command], str]:
        """The kind of aggregate that each command is addressed to."""
        return {
            c: aggregate
            for groups in (self.commands, self.internal)
            for aggregate, group in groups.items()
            for c in group
        }

    def dataversion(self, event_type: str) -> int:
        return len(self.upcasters.get(event_type, ())) + 1

    def decode(self, position: int, body: bytes) -> Recorded[Event]:
        """The event at `position`. Raises msgspec.MsgspecError where it can't be read."""
        found = envelope.decode(body)
        return envelope.recorded(self.domain, position, found, self._data(found))

    def _data(self, found: envelope.Envelope) -> Event:
        decoder = self._decoders.get(found.type)
        if decoder is None:
            raise msgspec.ValidationError(f"{self.domain} knows no event {found.type}")
        steps = self.upcasters.get(found.type, ())[found.dataversion - 1 :]
        if not steps:
            return decoder.decode(found.data)
        data = msgspec.json.decode(found.data)
        for step in steps:
            data = step(data)
        return msgspec.convert(data, self.event_types[found.type])

    @cached_property
    def _decoders(self) -> Mapping[str, msgspec.json.Decoder[Event]]:
        return {name: msgspec.json.Decoder(e) for name, e in self.event_types.items()}
