"""Who listens to a view's rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from bus import subjects
from bus.broker.port import Subscriber
from bus.views.partitions import holds


class Audience(NamedTuple):
    """`singly` are those who listen to one row, by its key, `widely` those who do to all."""

    singly: Mapping[Subscriber, str]
    widely: Collection[Subscriber]

    @classmethod
    def of(cls, listeners: Collection[Subscriber], part: str) -> Audience:
        """Of the view or the part of that name; `listeners` are those whose subjects overlap
        `live.<view>.*`."""
        keys = {one: one.subject.split(".")[2:] for one in listeners}
        singly = {
            one: key[0]
            for one, key in keys.items()
            if key and subjects.is_token(key[0]) and holds(part, key[0])
        }
        return cls(singly, [one for one, key in keys.items() if not key or key[0] in ("*", ">")])

    @property
    def keys(self) -> Collection[str]:
        return {*self.singly.values()}

    @property
    def all(self) -> frozenset[Subscriber]:
        return frozenset((*self.singly, *self.widely))
