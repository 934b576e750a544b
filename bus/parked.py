"""What could not be taken: where it can be seen, and tried again.

Domains park for their reactions and views for their folds; both answer these subjects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import Raw, Struct

from bus import subjects
from bus.answering import Answering
from bus.broker.port import Endpoint, Request
from bus.log import asked
from bus.store.port import ParkedRow


class ParkedEvent(Struct, frozen=True):
    """An event that waits, alone or behind one of its key. `reader` is `<owner>/<upstream>`,
    `event` the envelope as it came, or its text as a JSON string where it is no JSON."""

    reader: str
    key: str
    position: int
    attempts: int
    since: datetime
    reason: str
    event: Raw


class ParkedList(Struct, frozen=True):
    parked: Sequence[ParkedEvent]


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """Which key to try again; all of them where it names none."""

    key: str | None = None


class Retried(Struct, frozen=True):
    """`retried` events have been taken now; `failed` keys go on waiting."""

    retried: int = 0
    failed: int = 0

    def __add__(self, other: Retried) -> Retried:
        return Retried(self.retried + other.retried, self.failed + other.failed)


class KeepsParked(Protocol):
    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]: ...


Retries = Callable[[str | None], Awaitable[Retried | None]]
"""Tries a key again, or all. None: this process does not lead, another one answers."""


def endpoints(owner: str, store: KeepsParked, retry: Retries) -> list[Endpoint]:
    """`parked.<owner>.list` and `parked.<owner>.retry`; the leader answers the second."""

    async def listing(_: Request) -> bytes:
        return msgspec.json.encode(ParkedList([_shown(row) for row in await store.parked()]))

    async def retrying(request: Request) -> bytes | None:
        retried = await retry(asked(request, Retry).key)
        return None if retried is None else msgspec.json.encode(retried)

    return [
        Endpoint("parked-list", subjects.parked_list(owner), Answering(listing)),
        Endpoint("parked-retry", subjects.parked_retry(owner), Answering(retrying), queue=None),
    ]


def _shown(row: ParkedRow) -> ParkedEvent:
    return ParkedEvent(
        row.reader, row.key, row.position, row.attempts, row.since, row.reason, _json(row.body)
    )


def _json(body: bytes) -> Raw:
    try:
        msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Raw(msgspec.json.encode(body.decode(errors="replace")))
    return Raw(body)
