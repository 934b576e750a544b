"""What a view wants of a source's events: decoded in one go, with the rows that they touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from bus import envelope
from bus.envelope import Recorded
from bus.messages import Event, tag
from bus.owner import Delivered, identify
from bus.view import Source, View
from bus.views.kept import check_key

T = TypeVar("T")


class Item(Struct, frozen=True, gc=False):
    """An event that a view wants: decoded, with the rows that it touches; or why it can't be.

    `key` is the upstream aggregate as `<aggregate>/<id>`: what is parked, if need be.
    """

    position: int
    body: bytes
    key: str
    recorded: Recorded[Any] | None
    keys: Sequence[str]
    problem: str | None = None


class _Whole(envelope.Attributes, Generic[T], frozen=True, kw_only=True, gc=False):
    """An envelope with its data, taken apart at once."""

    data: T


class _Bare(envelope.Attributes, frozen=True, kw_only=True, gc=False):
    """An envelope whose data nobody looks at."""


_bare = msgspec.json.Decoder(_Bare)
NO_DATA: Any = None


class Reading:
    """How `source`'s events are read: each type as the class that the view names for it."""

    def __init__(self, view: View, source: Source) -> None:
        self._view = view
        self._domain = source.contract.domain
        self._envelopes = source.envelopes
        self._upcasters = source.contract.upcasters
        named = {tag(event): event for event in source.events or ()}
        self._wanted = None if source.events is None else {"", *named}
        self._classes: Mapping[str, type[Event]] = {**source.contract.event_types, **named}
        self._decoders: Mapping[str, msgspec.json.Decoder[_Whole[Any]]] = {
            name: msgspec.json.Decoder(_Whole[event])  # type: ignore[valid-type]
            for name, event in self._classes.items()
            if not self._upcasters.get(name)
        }

    def items(self, events: Iterable[Delivered]) -> Sequence[Item]:
        """What the view wants of `events`; what can't be read is among it, with its problem."""
        wanted, items = self._wanted, []
        checked: set[str] = set()
        for event in events:
            if wanted is None or event.type in wanted:
                item = self._item(event, checked)
                if item.keys or item.problem:
                    items.append(item)
        return items

    def _item(self, event: Delivered, checked: set[str]) -> Item:
        position, type, body = event
        try:
            recorded = self._recorded(position, type, body)
            keys = tuple(self._view.keys(recorded))
            for key in keys:
                if key not in checked:
                    check_key(key)
                    checked.add(key)
        except Exception as error:  # whatever a view's author or a writer did wrong
            upstream = identify(body).subject or f"unreadable/{position}"
            return Item(position, body, upstream, None, (), explain(error))
        return Item(position, body, f"{recorded.aggregate}/{recorded.id}", recorded, keys)

    def _recorded(self, position: int, type: str, body: bytes) -> Recorded[Any]:
        if self._envelopes:
            return envelope.recorded(self._domain, position, _bare.decode(body), NO_DATA)
        found = self._whole(type, body)
        if found is not None:
            return envelope.recorded(self._domain, position, found, found.data)
        plain = envelope.decode(body)
        return envelope.recorded(self._domain, position, plain, self._data(plain))

    def _whole(self, type: str, body: bytes) -> _Whole[Any] | None:
        """None where the subject does not tell the type, or the event is of an older one."""
        try:
            found = self._decoders[type].decode(body)
        except (KeyError, msgspec.MsgspecError):
            return None
        return found if found.type == type and found.dataversion == 1 else None

    def _data(self, found: envelope.Envelope) -> Event:
        """Taken apart by what the envelope says of it."""
        event = self._classes.get(found.type)
        if event is None:
            raise msgspec.ValidationError(f"{self._domain} knows no event {found.type}")
        steps = self._upcasters.get(found.type, ())[found.dataversion - 1 :]
        if not steps:
            return msgspec.json.decode(found.data, type=event)
        data = msgspec.json.decode(found.data)
        for step in steps:
            data = step(data)
        return msgspec.convert(data, event)


def explain(error: Exception) -> str:
    """`error` in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
