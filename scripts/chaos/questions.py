"""Random questions to all views, about what earlier answers have shown."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bus import subjects
from bus.view import Query, View

KEYS: Mapping[str, Sequence[str]] = {
    "get": ("id", "order_id", "sku"),
    "by_customer": ("customer_id",),
    "by_status": ("state",),
}
"""By a query's name, the fields of the view's rows of which one is its key."""
REMEMBERED = 200
"""Pages that may be gone on from."""
FIELD, ONWARDS = 0.5, 0.2
"""How often a field that may be left out is given, and a page gone on from."""


class Question(NamedTuple):
    """`params` is its body, but for where to go back to."""

    view: str
    query: str
    key: str | None
    params: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.view}.{self.query}"

    @property
    def subject(self) -> str:
        return subjects.query(self.view, self.query, self.key)

    def body(self, as_of: Mapping[str, int] | None = None) -> bytes:
        return msgspec.json.encode(
            self.params if as_of is None else {**self.params, "as_of": as_of}
        )


class Heard:
    """Values that answers have shown, each once."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[str, None]] = {}

    def note(self, view: str, field: str, value: str) -> None:
        self._values.setdefault((view, field), {})[value] = None

    def of(self, view: str, field: str) -> Sequence[str]:
        return [*self._values.get((view, field), ())]


class Questions:
    """`began` is the time before which nothing is asked about."""

    def __init__(self, views: Mapping[str, View], chance: random.Random, began: datetime) -> None:
        self.heard = Heard()
        self._all = [(view, query) for view in views.values() for query in view.queries]
        self._chance = chance
        self._began = began
        self._pages: deque[Question] = deque(maxlen=REMEMBERED)
        self._positions: dict[str, int] = {}

    def simplest(self, view: View) -> Question:
        """One that can be asked of an empty view."""
        for query in view.queries:
            params = self._params(view.name, query)
            if not query.keyed and params is not None:
                return Question(view.name, query.name, None, params)
        raise LookupError(f"nothing can be asked of {view.name} while it is empty")

    def next(self) -> Question:
        """Any query of any view that can be asked by now."""
        if self._pages and self._chance.random() < ONWARDS:
            return self._pages.popleft()
        while True:
            view, query = self._chance.choice(self._all)
            key = self._key(view.name, query) if query.keyed else None
            params = self._params(view.name, query)
            if params is not None and (key or not query.keyed):
                return Question(view.name, query.name, key, params)

    def note(self, question: Question, answer: Mapping[str, Any]) -> None:
        """What an answer has shown can be asked about from now on."""
        rows = answer.get("rows") or [answer]
        for field, value in (pair for row in rows for pair in row.items()):
            if isinstance(value, str):
                self.heard.note(question.view, field, value)
        if answer.get("next"):
            params = {**question.params, "page": answer["next"]}
            self._pages.append(question._replace(params=params))
        for name, position in answer["positions"].items():
            domain = name.rpartition(".")[2]
            self._positions[domain] = max(position, self._positions.get(domain, 0))

    def cut(self) -> Mapping[str, Any]:
        """A time, or a position, of which `qry.cuts.at` says what belongs with it."""
        if self._positions and self._chance.random() < FIELD:
            domain, latest = self._chance.choice([*self._positions.items()])
            return {"positions": {domain: self._chance.randint(0, latest)}}
        passed = datetime.now(UTC) - self._began
        return {"time": self._began + passed * self._chance.random()}

    def _key(self, view: str, query: Query) -> str | None:
        found = (self.heard.of(view, field) for field in KEYS.get(query.name, ()))
        known = next(filter(None, found), ())
        return self._chance.choice(known) if known else None

    def _params(self, view: str, query: Query) -> Mapping[str, Any] | None:
        """None where nothing is known yet for a field that must be given."""
        if view == "cuts":
            return self.cut()
        return self._given(view, query.params)

    def _given(self, view: str, params: type[Struct]) -> Mapping[str, Any] | None:
        given = {}
        for field in msgspec.structs.fields(params):
            if not field.required and self._chance.random() >= FIELD:
                continue
            value = self._value(view, field.name)
            if value is not None:
                given[field.name] = value
            elif field.required:
                return None
        return given

    def _value(self, view: str, field: str) -> Any:
        """None where nothing is known yet that the field could ask for."""
        chance, known = self._chance, self.heard.of(view, "sku" if field == "skus" else field)
        match field:
            case "limit":
                return chance.randint(1, 20)
            case "below":
                return chance.randint(0, 10)
            case "by":
                return chance.choice(("revenue", "units"))
            case "skus":
                return chance.sample(known, min(5, len(known)))
            case _:
                return chance.choice(known) if known else None
