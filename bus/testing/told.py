"""A view in a test: told of events, asked its queries, without servers or streams.

    orders = await told(VIEW, at("o-1", OrderPlaced(...)), at("o-1", StockReserved(...)))
    assert (await orders.row("o-1"))["state"] == "placed"
    assert (await orders.ask("by_customer", "c-7"))["rows"] == [...]

The events go through their JSON and the runtime's own fold, one at a time, a second apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bus import envelope
from bus.clock import SystemClock
from bus.envelope import Key
from bus.messages import Event, tag
from bus.owner import Delivered, identify
from bus.store.port import Store
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
    found = await _untold(view, views)
    builder = await _builder(found)
    for source, event in _delivered(view, facts):
        await _tell(found, builder, source.contract.domain, [event])
    return found


async def told_of(view: View, stores: Mapping[str, Store]) -> Told:
    """The view after all that the domains' stores hold, one domain after the other.

    Raises AssertionError where something would be parked.
    """
    found = await _untold(view, None)
    builder = await _builder(found)
    for source in view.sources:
        domain = source.contract.domain
        if domain in stores:
            head = await stores[domain].head()
            stored = await stores[domain].read(0, head.position)
            events = [Delivered(e.position, identify(e.body).type, e.body) for e in stored]
            if events:
                await _tell(found, builder, domain, events)
    return found


async def _untold(view: View, views: MemoryViews | None) -> Told:
    views = views or MemoryViews()
    store = MemoryViewStore(view, views)
    await store.open()
    return Told(view, store, views)


async def _builder(found: Told) -> Builder:
    builder = Builder(found.store, SystemClock(), lambda: None)
    await builder.begin()
    return builder


async def _tell(found: Told, builder: Builder, domain: str, events: Sequence[Delivered]) -> None:
    await builder.put({domain: await builder.read(domain, events)})
    parked = await found.store.parked()
    assert not parked, f"{parked[0].key} would be parked: {parked[0].reason}"


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
