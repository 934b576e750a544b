"""Another domain's log, as its readers ask for it: the only truth beside the owner's store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from bus import log, subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.contract import Contract


class Delivered(NamedTuple):
    """An event as a reader hands it on. `type` is "" where the body can't be read."""

    position: int
    type: str
    body: bytes


class Identity(NamedTuple):
    """Who an event is. All are "" where its body can't be read."""

    id: str = ""
    type: str = ""
    subject: str = ""
    correlationid: str = ""


class OwnerSilent(Exception):
    """The owner does not answer now: it is down, starting, or without its store."""


class _Envelope(Struct):
    id: str = ""
    type: str = ""
    subject: str = ""
    correlationid: str = ""


_envelopes = msgspec.json.Decoder(_Envelope)
_pages = msgspec.json.Decoder(log.Page)


def identify(body: bytes) -> Identity:
    """As much of the envelope as everybody needs. Never raises: a reader must get past it."""
    try:
        found = _envelopes.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Identity()
    return Identity(found.id, found.type, found.subject, found.correlationid)


class Owner:
    """Asks `log.<domain>.read`."""

    def __init__(self, broker: Broker, contract: Contract) -> None:
        self._broker = broker
        self._domain = contract.domain

    async def read(self, after: int, limit: int) -> tuple[Sequence[Delivered], int]:
        """Contiguous events from position `after + 1` on, and the head of the owner's store.

        Raises OwnerSilent.
        """
        body = msgspec.json.encode(log.Question(after, min(limit, log.MOST)))
        try:
            reply = await self._broker.request(subjects.log_read(self._domain), body)
            page = _pages.decode(reply.body)
        except NoResponders as error:
            raise OwnerSilent(f"nobody serves {self._domain}'s log") from error
        except BrokerUnavailable as error:
            raise OwnerSilent(f"{self._domain}'s log does not answer: {error}") from error
        except msgspec.MsgspecError as error:
            said = reply.body[:200].decode(errors="replace")
            raise OwnerSilent(f"{self._domain}'s log answers {said}") from error
        return self._contiguous(after, page), page.head

    def _contiguous(self, after: int, page: log.Page) -> Sequence[Delivered]:
        events = []
        for number, logged in enumerate(page.events, start=after + 1):
            if logged.position != number:
                raise OwnerSilent(f"{self._domain}'s log gives {logged.position} for {number}")
            body = bytes(logged.event)
            events.append(Delivered(number, identify(body).type, body))
        return events
