"""Finds all events of one order without reading whole streams.

The owners' logs give those of the aggregates that have the order's id, and where an owner is
down, the view `orders` names their positions. From these on the causal chain is followed: up
to what caused them, and aside to what the same decision did to other aggregates (a SKU's
stock), which always stands beside them in the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import msgspec

from bus import log, subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.contract import Contract
from projections.orders import OF_AN_ORDER
from scripts.story.books import Books, chapter
from scripts.story.telling import Chapter, Place, causing_place, same_decision

PAGE = 500


class Gathered(NamedTuple):
    """`silent` are the domains whose log does not answer, with the reason; `viewed` says
    whether the view could name the events of these."""

    chapters: Sequence[Chapter]
    silent: dict[str, str]
    viewed: bool


class Gathering:
    def __init__(self, broker: Broker, contracts: dict[str, Contract]) -> None:
        self._broker = broker
        self._domains = [name for name, one in contracts.items() if OF_AN_ORDER & one.events.keys()]
        self._books = Books(broker, contracts)

    async def of(self, order: str) -> Gathered:
        """Everything that belongs to the order. Raises BrokerUnavailable."""
        found: dict[Place, Chapter] = {}
        for domain in self._domains:
            async for one in self._history(domain, order):
                self._books.note(one)
                found[one.place] = one
        viewed = not self._books.silent
        if not viewed:
            seen = await self._seen(order)
            viewed = seen is not None
            found.update({one.place: one for one in seen or ()})
        await self._follow(found)
        return Gathered(list(found.values()), self._books.silent, viewed)

    async def _history(self, domain: str, order: str) -> AsyncIterator[Chapter]:
        after = 0
        while page := await self._page(domain, order, after):
            for logged in page.events:
                one = chapter(Place(domain, logged.position), bytes(logged.event))
                if one and one.envelope.subject.partition("/")[0] in OF_AN_ORDER:
                    yield one
            if not page.events:
                return
            after = page.events[-1].position

    async def _page(self, domain: str, order: str, after: int) -> log.Page | None:
        """None, and the reason noted, where the owner does not answer."""
        question = msgspec.json.encode(log.Question(after, PAGE))
        try:
            reply = await self._broker.request(subjects.log_history(domain, order), question)
            return msgspec.json.decode(reply.body, type=log.Page)
        except NoResponders:
            self._books.silent[domain] = "nobody serves its log"
        except BrokerUnavailable as error:
            self._books.silent[domain] = str(error)
        except msgspec.MsgspecError:
            self._books.silent[domain] = reply.headers.get("Nats-Service-Error", "it has no log")
        return None

    async def _seen(self, order: str) -> Sequence[Chapter] | None:
        """What the view `orders` knows of the silent domains; None where it doesn't answer."""
        try:
            reply = await self._broker.request(subjects.query("orders", "get", order))
            row: dict[str, Any] = msgspec.json.decode(reply.body)
        except (NoResponders, BrokerUnavailable, msgspec.MsgspecError):
            return None
        if row.get("status") == "unavailable":
            return None
        places = [Place(one["domain"], one["position"]) for one in row.get("timeline", ())]
        asked = [place for place in places if place.domain in self._books.silent]
        return [one for place in asked if (one := await self._books.at(place))]

    async def _follow(self, found: dict[Place, Chapter]) -> None:
        waiting = list(found.values())
        while waiting:
            one = waiting.pop()
            for other in [*await self._beside(one), *await self._causing(one)]:
                if other.place not in found:
                    found[other.place] = other
                    waiting.append(other)

    async def _beside(self, one: Chapter) -> Sequence[Chapter]:
        beside = []
        for step in (-1, 1):
            place = one.place._replace(position=one.place.position + step)
            other = await self._books.at(place)
            if other and same_decision(one.envelope, other.envelope):
                beside.append(other)
        return beside

    async def _causing(self, one: Chapter) -> Sequence[Chapter]:
        place = causing_place(one.envelope)
        cause = await self._books.at(place) if place else None
        return [cause] if cause else []
