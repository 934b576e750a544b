"""Answers `qry.<view>.<query>[.<key>]`: each request gets exactly one JSON object."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from bus import replies, subjects
from bus.answering import Answering
from bus.broker.port import Broker, Endpoint, Request
from bus.intake import Invalid
from bus.plan import ENVELOPE_ROOM
from bus.view import Query, UnknownKey, View, WrongCursor
from bus.views.port import ViewMissing, ViewStore
from bus.views.progress import Progress, at_least

_field = re.compile(r"field `([^`]+)`|at `\$\.([^`]+)`")


def endpoints(
    view: View, store: ViewStore, progress: Progress, broker: Broker
) -> Sequence[Endpoint]:
    """One for each query, two for those that need a key: the second says that it does."""
    found = []
    for query in view.queries:
        subject = subjects.query(view.name, query.name)
        answering = Answering(Asked(view, query, store, progress, broker).answer)
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
        self, view: View, query: Query, store: ViewStore, progress: Progress, broker: Broker
    ) -> None:
        self._query = query
        self._store = store
        self._progress = progress
        self._broker = broker
        self._subject = subjects.query(view.name, query.name)
        self._domains = {source.contract.domain for source in view.sources}
        self._params = msgspec.json.Decoder(query.params)

    async def answer(self, request: Request) -> bytes:
        """The reply's JSON. Raises Invalid, StoreUnavailable."""
        key = self._key(request.subject)
        params = self._decoded(request.body)
        await self._progress.reached(at_least(request.headers, self._domains))
        body = await self._asked(key, params)
        if len(body) > self._broker.max_payload - ENVELOPE_ROOM:
            message = "the answer does not fit into one message: ask for less at once"
            raise Invalid(replies.error(413, "invalid", "TooLarge", message))
        return body

    async def _asked(self, key: str, params: Any) -> bytes:
        try:
            async with self._store.snapshot() as snapshot:
                found = await self._query.answer(snapshot.rows, key, params)
        except UnknownKey as unknown:
            message = f"nothing is known under {unknown.key}"
            raise Invalid(replies.error(404, "unknown", "UnknownKey", message)) from unknown
        except ViewMissing as missing:
            raise Invalid(replies.unavailable("ViewMissing", str(missing))) from missing
        except WrongCursor as wrong:
            raise Invalid(replies.invalid("InvalidBody", str(wrong), field="after")) from wrong
        fields = _fields(found)
        return msgspec.json.encode({"status": "ok", **fields, "positions": snapshot.positions})

    def _key(self, subject: str) -> str:
        key = subject[len(self._subject) + 1 :]
        if self._query.keyed and not key:
            message = f"the subject needs a key: {self._subject}.<key>"
            raise Invalid(replies.invalid("InvalidSubject", message))
        return key

    def _decoded(self, body: bytes) -> Any:
        try:
            return self._params.decode(body or b"{}")
        except msgspec.ValidationError as error:
            match = _field.search(str(error))
            details = {"field": match[1] or match[2]} if match else {}
            raise Invalid(replies.invalid("InvalidBody", str(error), **details)) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(replies.invalid("MalformedJson", f"the body: {error}")) from error


def _fields(found: Any) -> Mapping[str, Any]:
    """What a query gives, as fields beside status and positions."""
    if isinstance(found, Struct):
        found = msgspec.structs.asdict(found)
    fields = found if isinstance(found, Mapping) else {"result": found}
    if taken := {"status", "positions"} & fields.keys():
        raise ValueError(f"an answer can't have a field {taken.pop()!r} of its own")
    return fields
