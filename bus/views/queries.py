"""Answers `qry.<view>.<query>[.<key>]`: each request gets exactly one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import msgspec
from msgspec import Raw, Struct

from bus import replies, subjects
from bus.answering import Answering
from bus.broker.port import Broker, Endpoint, Reply, Request
from bus.intake import Invalid
from bus.plan import ENVELOPE_ROOM
from bus.store.port import StoreUnavailable
from bus.view import Query, UnknownKey, View, WrongCursor
from bus.views import as_of
from bus.views.as_of import AsOf, Position
from bus.views.bodies import decoded
from bus.views.handing_on import HandingOn
from bus.views.kept import COMMON
from bus.views.past import Moved, NotRemembered
from bus.views.port import Asks, Replaced, Snapshot, ViewMissing
from bus.views.progress import Progress, wanted

ATTEMPTS = 100
"""Times that a question is put to rows that go on being written meanwhile: a few do, as an answer
takes less time than what lies between two writes."""


class Common(Struct, frozen=True):
    """What every query can be asked with, beside its own parameters: `after` are positions that
    the rows must have come to, `as_of` what they are to be gone back to."""

    after: Mapping[str, Position] = {}
    as_of: AsOf | None = None


_common = msgspec.json.Decoder(Common)
_plain = msgspec.json.Decoder(dict[str, Raw])


def endpoints(
    view: View, store: Asks, progress: Progress, broker: Broker, handing_on: HandingOn
) -> Sequence[Endpoint]:
    """One for each query, two for those that need a key: the second says that it does."""
    found = []
    for query in view.queries:
        subject = subjects.query(view.name, query.name)
        asked = Asked(
            view, query, store=store, progress=progress, broker=broker, handing_on=handing_on
        )
        answering = Answering(asked.answer)
        about = {"example": query.example} if query.example else {}
        if query.keyed:
            found.append(Endpoint(query.name, f"{subject}.>", answering, metadata=about))
            found.append(Endpoint(f"{query.name}-without-key", subject, answering))
        else:
            found.append(Endpoint(query.name, subject, answering, metadata=about))
    return found


class Asked:
    """One query of a view, as it is asked over the broker."""

    def __init__(
        self,
        view: View,
        query: Query,
        *,
        store: Asks,
        progress: Progress,
        broker: Broker,
        handing_on: HandingOn,
    ) -> None:
        self._view = view
        self._query = query
        self._store = store
        self._progress = progress
        self._broker = broker
        self._handing_on = handing_on
        self._subject = subjects.query(view.name, query.name)
        self._domains = {source.contract.domain for source in view.sources}
        self._params = msgspec.json.Decoder(query.params)

    async def answer(self, request: Request) -> bytes | Reply:
        """The reply. Raises Invalid, StoreUnavailable."""
        try:
            return await self._answer(request)
        except Replaced:
            return await self._handing_on.ask(request)

    async def _answer(self, request: Request) -> bytes:
        key = self._key(request.subject)
        common, own = self._taken_apart(request.body)
        params = decoded(self._params, own)
        await self._progress.reached(wanted(request.headers, common.after, self._domains))
        body = await self._of_one_moment(key, params, common)
        if len(body) > self._broker.max_payload - ENVELOPE_ROOM:
            message = "the answer does not fit into one message: ask for less at once"
            raise Invalid(replies.error(413, "invalid", "TooLarge", message))
        return body

    async def _of_one_moment(self, key: str, params: Any, common: Common) -> bytes:
        """Raises Invalid, StoreUnavailable."""
        for _ in range(ATTEMPTS):
            with suppress(Moved):
                return await self._asked(key, params, await self._rows(common))
        raise StoreUnavailable(f"The view {self._view.name} is being made: ask again")

    async def _rows(self, common: Common) -> AbstractAsyncContextManager[Snapshot]:
        """Those that are to be asked, as they are or as they were."""
        if common.as_of is None:
            return self._store.snapshot()
        wanted = as_of.Wanted(self._view, common.as_of, self._broker)
        await self._progress.reached(await wanted.of(self._view))
        return as_of.past(self._view, self._store, wanted, self._broker)

    async def _asked(
        self, key: str, params: Any, rows: AbstractAsyncContextManager[Snapshot]
    ) -> bytes:
        try:
            async with rows as snapshot:
                found = await self._query.answer(snapshot.rows, key, params)
        except UnknownKey as unknown:
            message = f"nothing is known under {unknown.key}"
            raise Invalid(replies.error(404, "unknown", "UnknownKey", message)) from unknown
        except ViewMissing as missing:
            raise Invalid(replies.unavailable("ViewMissing", str(missing))) from missing
        except NotRemembered as gone:
            raise as_of.forgotten(gone) from gone
        except WrongCursor as wrong:
            raise Invalid(replies.invalid("InvalidBody", str(wrong), field="page")) from wrong
        return msgspec.json.encode(
            {"status": "ok", **_fields(found), "positions": _positions(snapshot)}
        )

    def _key(self, subject: str) -> str:
        key = subject[len(self._subject) + 1 :]
        if self._query.keyed and not key:
            message = f"the subject needs a key: {self._subject}.<key>"
            raise Invalid(replies.invalid("InvalidSubject", message))
        return key

    def _taken_apart(self, body: bytes) -> tuple[Common, bytes]:
        """What every query can be asked with, and the rest of the body, which is its own."""
        common = decoded(_common, body)
        if not common.after and common.as_of is None:
            return common, body
        own = {name: raw for name, raw in _plain.decode(body).items() if name not in COMMON}
        return common, msgspec.json.encode(own)


def _positions(snapshot: Snapshot) -> Mapping[str, int]:
    """In order, so that the same rows at the same positions are the same answer, byte for byte."""
    joined = {
        f"{view}.{domain}": position
        for view, positions in snapshot.joined.items()
        for domain, position in positions.items()
    }
    return dict(sorted({**snapshot.positions, **joined}.items()))


def _fields(found: Any) -> Mapping[str, Any]:
    """What a query gives, as fields beside status and positions."""
    if isinstance(found, Struct):
        found = msgspec.structs.asdict(found)
    fields = found if isinstance(found, Mapping) else {"result": found}
    if taken := {"status", "positions"} & fields.keys():
        raise ValueError(f"an answer can't have a field {taken.pop()!r} of its own")
    return fields
