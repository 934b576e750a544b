"""What a view has put right: `repaired.<view>.list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from bus import subjects
from bus.answering import Answering
from bus.broker.port import Broker, Endpoint, Request
from bus.plan import ENVELOPE_ROOM
from bus.view import View
from bus.views.partitions import whole
from bus.views.port import Asks
from bus.views.proof import ViewRepaired


class Repaired(Struct, frozen=True):
    """A row that was put right; `before` is what was there and `after` what is right, null where
    there was, or should be, nothing."""

    at: datetime
    view: str
    build: int
    key: str
    positions: Mapping[str, int]
    before: Raw
    after: Raw


class RepairedList(Struct, frozen=True):
    """The latest first, as many as fit into one message; `more` of them don't."""

    repaired: Sequence[Repaired]
    more: int = 0


def endpoints(view: View, store: Asks, broker: Broker) -> Sequence[Endpoint]:
    """Any of a view's processes can tell, so one of them answers."""

    async def listing(_: Request) -> bytes:
        return told(await store.repairs(), broker.max_payload - ENVELOPE_ROOM)

    subject = subjects.repaired_list(view.name)
    return [Endpoint("repaired-list", subject, Answering(listing))]


def told(repairs: Sequence[ViewRepaired], room: int) -> bytes:
    """What of it fits into `room` bytes."""
    fitting: list[Repaired] = []
    left = room - 100
    for repair in map(_shown, repairs):
        left -= len(msgspec.json.encode(repair)) + 1
        if left < 0:
            break
        fitting.append(repair)
    return msgspec.json.encode(RepairedList(fitting, len(repairs) - len(fitting)))


def _shown(one: ViewRepaired) -> Repaired:
    before, after = (Raw((text or "null").encode()) for text in (one.before, one.after))
    return Repaired(one.at, whole(one.view), one.build, one.key, one.positions, before, after)
