"""A view in a test: told of events, asked its queries, without servers or streams.

    orders = await told(VIEW, at("o-1", OrderPlaced(...)), at("o-1", StockReserved(...)))
    assert (await orders.row("o-1"))["state"] == "placed"
    assert (await orders.ask("by_customer", "c-7"))["rows"] == [...]

The events go through their JSON and the runtime's own fold, one at a time, a second apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bus import envelope
from bus.clock import SystemClock
from bus.envelope import Key
from bus.messages import Event, tag
from bus.owner import Delivered
from bus.testing.history import aggregate_of
from bus.testing.scenario import At
from bus.view import Source, View
from bus.views.builder import Builder
from bus.views.memory import MemoryViews, MemoryViewStore

START = datetime(2026, 1, 1, tzinfo=UTC)


class Told(NamedTuple):
    """`views` is where further views may be told, to be joined with."""

    view: View
    store: MemoryViewStore
    views: MemoryViews

    async def row(self, key: str) -> Any:
        """What people see under `key`; None where there is nothing."""
        async with self.store.snapshot() as snapshot:
            return await snapshot.rows.get(key)

    async def ask(self, query: str, key: str = "", **params: Any) -> Any:
        """What the query answers, as plain JSON without status and positions.

        Raises UnknownKey, and msgspec.ValidationError for wrong parameters.
        """
        (asked,) = (known for known in self.view.queries if known.name == query)
        decoded = msgspec.json.decode(msgspec.json.encode(params), type=asked.params)
        async with self.store.snapshot() as snapshot:
            found = await asked.answer(snapshot.rows, key, decoded)
        if isinstance(found, Struct):
            found = msgspec.structs.asdict(found)
        return msgspec.json.decode(msgspec.json.encode(found))


async def told(view: View, *facts: At, views: MemoryViews | None = None) -> Told:
    """The view after `facts`, in this order. Raises AssertionError where one would be parked."""
    views = views or MemoryViews()
    store = MemoryViewStore(view, views)
    await store.open()
    builder = Builder(store, SystemClock(), lambda: None)
    await builder.begin()
    for source, event in _delivered(view, facts):
        domain = source.contract.domain
        await builder.put({domain: await builder.read(domain, [event])})
        parked = await store.parked()
        assert not parked, f"{event.type} of {parked[0].key} would be parked: {parked[0].reason}"
    return Told(view, store, views)


def _delivered(view: View, facts: Sequence[At]) -> Iterable[tuple[Source, Delivered]]:
    positions: Counter[str] = Counter()
    versions: Counter[Key] = Counter()
    events = [(fact.id, event) for fact in facts for event in fact.events]
    for number, (id, event) in enumerate(events):
        source = _source(view, event)
        domain = source.contract.domain
        key = Key(aggregate_of(source.contract, event), id)
        positions[domain] += 1
        versions[key] += 1
        name = tag(type(event))
        body = envelope.encode(
            event=event,
            event_id=f"{domain}-{positions[domain]}",
            domain=domain,
            key=key,
            version=versions[key],
            dataversion=source.contract.dataversion(name),
            time=START + timedelta(seconds=number),
            correlation_id="test",
            causation_id="test",
        )
        yield source, Delivered(positions[domain], name, body)


def _source(view: View, event: Event) -> Source:
    for source in view.sources:
        if type(event) in source.contract.event_types.values():
            return source
    raise LookupError(f"the view {view.name} does not listen to {type(event).__name__}")
