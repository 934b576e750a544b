"""A question about rows as they were: `as_of` in its body.

It holds positions, as an answer has printed them: `{"ordering":4711,"payments":12}`, of a view that
was joined with as `{"products.catalog":3}`. What names all that the question needs is taken as it
is, and the same answer comes again. What names less, or a time, is completed first by the view
`cuts`, to positions at which no effect stands without its cause.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bus import replies, subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.intake import Invalid
from bus.view import View
from bus.views.between import between
from bus.views.finding import Finds
from bus.views.past import History, NotRemembered
from bus.views.past_rows import PastRows
from bus.views.port import Asks, Snapshot

Position = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Time = Annotated[datetime, Meta(tz=True)]
AsOf = Mapping[str, Position] | Time
"""Positions by `<domain>` or `<view>.<domain>`; or a time, with its offset from UTC."""

CUTS = "cuts"
"""The view that completes positions."""

Positions = Mapping[str, int]


class Wanted:
    """The positions that a question goes back to, of `view` and of what it joins; they stand in
    the `field` of its body.

    Raises Invalid where `as_of` names what the view does not join.
    """

    def __init__(self, view: View, as_of: AsOf, broker: Broker, field: str = "as_of") -> None:
        self._view = view
        self._broker = broker
        self._asked = as_of
        self.field = field
        self._joins = {joined.name: joined for joined in view.joins}
        self._known: dict[str, Positions] = {}
        self._closed: Positions | None = None
        plain: dict[str, int] = {}
        if not isinstance(as_of, datetime):
            for name, position in as_of.items():
                of, dot, domain = name.rpartition(".")
                if not dot:
                    plain[domain] = position
                elif of in self._joins and domain in _domains(self._joins[of]):
                    self._known[of] = {**self._known.get(of, {}), domain: position}
                else:
                    message = f"{field} names {name!r}, which {view.name} does not join"
                    raise Invalid(replies.invalid("InvalidBody", message, field=field))
        self._plain = plain

    async def of(self, view: View) -> Positions:
        """Of one of the views. Raises Invalid."""
        domains = _domains(view)
        for known in (self._known.get(view.name, {}), self._plain):
            if domains <= known.keys():
                return {domain: known[domain] for domain in domains}
        closed = await self._completed()
        if missing := domains - closed.keys():
            message = f"the view {CUTS} does not know the domain {sorted(missing)[0]}"
            raise Invalid(replies.unavailable("CutsMissing", message))
        return {domain: closed[domain] for domain in domains}

    async def _completed(self) -> Positions:
        if self._closed is None:
            self._closed = await self._ask_cuts()
        return self._closed

    async def _ask_cuts(self) -> Positions:
        if isinstance(self._asked, datetime):
            body: dict[str, Any] = {"time": self._asked.astimezone(UTC)}
        elif self._plain:
            body = {"positions": self._plain}
        else:
            message = f"{self.field} must name positions of the view's own streams, or be a time"
            raise Invalid(replies.invalid("InvalidBody", message, field=self.field))
        subject = subjects.query(CUTS, "at")
        try:
            reply = await self._broker.request(subject, msgspec.json.encode(body))
        except (NoResponders, BrokerUnavailable) as error:
            message = f"the view {CUTS}, which completes positions, does not answer: start it"
            raise Invalid(replies.unavailable("CutsMissing", message)) from error
        answer = msgspec.json.decode(reply.body)
        if "Nats-Service-Error" in reply.headers:
            raise Invalid(replies.Answer(answer["status"], reply.body, reply.headers))
        positions: Positions = answer["cut"]
        return positions


@asynccontextmanager
async def past(view: View, store: Asks, wanted: Wanted, broker: Broker) -> AsyncIterator[Snapshot]:
    """Rows and positions as they were. Raises Invalid, NotRemembered, ViewMissing, Replaced."""
    own = await wanted.of(view)
    known = {view.name: view, **{joined.name: joined for joined in view.joins}}
    joined: dict[str, Positions] = {}
    async with store.history() as history:

        async def finding(name: str) -> Finds:
            found = known[name]
            at = own if found is view else await wanted.of(found)
            if found is not view:
                joined[name] = at
            return await _rows(found, at, history, broker)

        yield Snapshot(PastRows(view.name, finding), own, joined)


async def _rows(view: View, at: Positions, history: History, broker: Broker) -> Finds:
    stood = await history.at(view, at)
    return await stood.rows(await between(stood, at, broker))


def forgotten(error: NotRemembered, field: str = "as_of") -> Invalid:
    details = {"field": field, "since": error.since}
    return Invalid(replies.error(404, "unknown", "NotRemembered", f"{error}", details))


def _domains(view: View) -> set[str]:
    return {source.contract.domain for source in view.sources}
