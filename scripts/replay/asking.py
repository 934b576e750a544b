"""Asks a view's rows, wherever they are, as its process would: the same answer, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from bus import subjects
from bus.broker.port import Broker
from bus.intake import Invalid
from bus.view import Query, View
from bus.views.handing_on import HandingOn
from bus.views.port import ViewStore
from bus.views.progress import Progress
from bus.views.queries import Asked
from scripts.commands.exits import REFUSED, UNAVAILABLE, USAGE, Exit


@dataclass(frozen=True)
class Question:
    """bus.broker.port.Request, with nobody who waits at an inbox."""

    subject: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: str = ""

    def respond(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        raise RuntimeError("its answer is returned")


def named(view: View, name: str, key: str | None) -> Query:
    """Raises Exit."""
    known = {query.name: query for query in view.queries}
    if name not in known:
        raise Exit(USAGE, f"{view.name} has no query {name!r}, only {', '.join(known)}.")
    if known[name].keyed and key is None:
        raise Exit(USAGE, f"{view.name}.{name} needs a --key.")
    if key is not None and not subjects.is_id(key):
        raise Exit(USAGE, f"--key is 1 to 64 letters, digits, hyphens or underscores: {key!r}.")
    return known[name]


async def ask(
    store: ViewStore, broker: Broker, name: str, key: str | None, params: bytes = b""
) -> bytes:
    """The answer's JSON. Raises Exit where it is an error."""
    view, query = store.view, named(store.view, name, key)
    asked = Asked(
        view,
        query,
        store=store,
        progress=Progress(store, lambda: None),
        broker=broker,
        handing_on=HandingOn(broker, lambda: None),
    )
    try:
        answer = await asked.answer(Question(subjects.query(view.name, name, key), params))
    except Invalid as invalid:
        said = msgspec.json.decode(invalid.answer.body)
        code = UNAVAILABLE if said["status"] == "unavailable" else REFUSED
        raise Exit(code, f"{said['message']}.") from None
    return answer if isinstance(answer, bytes) else answer.body
