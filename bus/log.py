"""Serves a domain's own events: by position for readers, by id for people; and says how far the
domain itself has come in the others' streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from bus import replies, subjects
from bus.answering import Answering
from bus.broker.port import Endpoint, Request
from bus.contract import Contract
from bus.intake import Invalid
from bus.plan import ENVELOPE_ROOM
from bus.store.port import Store, StoredEvent

MOST = 1000
"""Events in one answer."""
AROUND = 40
"""Bytes that the answer needs for each event besides the event's own."""


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is a position: 0 asks from the first event on."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 100


class LoggedEvent(Struct, frozen=True):
    """`event` is the envelope's text, byte by byte as stored."""

    position: int
    event: Raw


class Page(Struct, frozen=True):
    """Events in order, fewer than the limit where the answer would not fit into a message.

    `head` is the store's last position: there is more as long as the last event is not it.
    """

    events: Sequence[LoggedEvent]
    head: int


class Tracked(Struct, frozen=True):
    """`positions` is the last event of each upstream that the domain has reacted to, or has seen
    that it need not. All that this has led to lies at or before `head` in the domain's store."""

    positions: Mapping[str, int]
    head: int


Q = TypeVar("Q", bound=Struct)


def endpoints(
    contract: Contract,
    store: Store,
    max_payload: int = 1 << 20,
    *,
    upstreams: Sequence[str] = (),
) -> list[Endpoint]:
    """`log.<domain>.read` and `log.<domain>.history.<id>`, whose body is a Question, and
    `log.<domain>.tracking`, which answers with Tracked."""
    domain = contract.domain
    served = _Log(domain, store, max_payload, upstreams)
    return [
        Endpoint("log-read", subjects.log_read(domain), Answering(served.read)),
        Endpoint("log-history", subjects.log_history(domain, "*"), Answering(served.history)),
        Endpoint("log-tracking", subjects.log_tracking(domain), Answering(served.tracking)),
    ]


def asked(request: Request, shape: type[Q]) -> Q:
    """The body as a `shape`; an empty one asks nothing special. Raises Invalid."""
    try:
        return msgspec.json.decode(request.body or b"{}", type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(replies.invalid("InvalidBody", str(error))) from error


class _Log:
    def __init__(
        self, domain: str, store: Store, max_payload: int, upstreams: Sequence[str]
    ) -> None:
        self._domain = domain
        self._store = store
        self._upstreams = upstreams
        self._room = max_payload - ENVELOPE_ROOM

    async def read(self, request: Request) -> bytes:
        question = asked(request, Question)
        return await self._page(await self._store.read(question.after, question.limit))

    async def history(self, request: Request) -> bytes:
        question = asked(request, Question)
        id = request.subject.removeprefix(subjects.log_history(self._domain, ""))
        if not subjects.is_id(id):
            raise Invalid(replies.invalid("InvalidId", "the subject's last token must be an id"))
        return await self._page(await self._store.history(id, question.after, question.limit))

    async def tracking(self, _: Request) -> bytes:
        """The head is read last: what a place rests on has been written with it."""
        places = {
            upstream: (await self._store.checkpoint(upstream)).position
            for upstream in self._upstreams
        }
        return msgspec.json.encode(Tracked(places, (await self._store.head()).position))

    async def _page(self, found: Sequence[StoredEvent]) -> bytes:
        """The head is read last, so that it is never before the events."""
        head = (await self._store.head()).position
        events: list[LoggedEvent] = []
        size = 0
        for stored in found:
            size += len(stored.body) + AROUND
            if events and size > self._room:
                break
            events.append(LoggedEvent(stored.position, Raw(stored.body)))
        return msgspec.json.encode(Page(events, head))
