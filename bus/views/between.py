"""What a view's rows would be between two of its writes: the few events since the earlier one are
folded once more, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import msgspec

from bus import replies
from bus.broker.port import Broker, StreamMissing
from bus.contract import Contract
from bus.intake import Invalid
from bus.owner import Owner, OwnerSilent, identify
from bus.reader import Delivered, Reader
from bus.store.port import Checkpoint
from bus.view import View
from bus.views.folding import Slots, fold
from bus.views.past import Part, Past
from bus.views.port import RowChange
from bus.views.reading import Reading

MOST = 20_000
"""Events that are folded to answer one question."""
PATIENCE = 3.0
"""Seconds that reading them may take."""


async def between(
    past: Past, wanted: Mapping[str, int], broker: Broker, field: str = "as_of"
) -> Sequence[RowChange]:
    """The rows that the events up to `wanted` change, of those that stand at `past`.

    Raises Invalid where there are too many, which names the `field` that asks for them, or where
    they can't be read now.
    """
    return [change for part in past.parts for change in await _changed(part, wanted, broker, field)]


async def _changed(
    past: Part, wanted: Mapping[str, int], broker: Broker, field: str
) -> Sequence[RowChange]:
    view = past.view
    missing = {d: n - past.positions[d] for d, n in wanted.items() if n > past.positions[d]}
    if not missing:
        return ()
    if (many := sum(missing.values())) > MOST:
        message = (
            f"{many:,} events of {', '.join(sorted(missing))} lie between these positions and "
            f"the rows before them that {view.name} remembers; {MOST:,} are the most: ask for "
            "positions that are nearer to an answer's"
        )
        raise Invalid(replies.invalid("TooFarBetween", message, field=field))
    items = {}
    for source in view.sources:
        domain = source.contract.domain
        if domain in missing:
            events = await _events(source.contract, past.positions[domain], missing[domain], broker)
            items[domain] = Reading(view, source).items(events)
    keys = dict.fromkeys(key for of in items.values() for item in of for key in item.keys)
    slots = _decoded(view, await past.slots(list(keys)))
    return fold(view, items, slots, await past.parked()).rows


async def _events(
    contract: Contract, after: int, count: int, broker: Broker
) -> Sequence[Delivered]:
    found: list[Delivered] = []
    try:
        async with asyncio.timeout(PATIENCE):
            place = await _place(contract, after, broker)
            reader = Reader(broker, contract, batch=min(count, 1000))
            async with aclosing(reader.follow(place)) as batches:
                async for batch in batches:
                    found += batch
                    if len(found) >= count:
                        break
    except (TimeoutError, OwnerSilent) as error:
        message = f"the events of {contract.domain} behind position {after} can't be read now"
        raise Invalid(replies.unavailable("EventsUnavailable", message)) from error
    return found[:count]


async def _place(contract: Contract, position: int, broker: Broker) -> Checkpoint:
    """As a reader takes it: with the id of the event there."""
    if position == 0:
        return Checkpoint(0, "")
    try:
        body = await broker.stream_get(contract.domain, position)
    except StreamMissing:
        body = None
    if body is None:
        page, _ = await Owner(broker, contract).read(position - 1, 1)
        body = page[0].body if page else b""
    return Checkpoint(position, identify(body).id)


def _decoded(view: View, slots: Mapping[str, Mapping[str, str]]) -> Slots:
    shapes = {source.contract.domain: source.slot for source in view.sources}
    return {
        key: {domain: msgspec.json.decode(text, type=shapes[domain]) for domain, text in of.items()}
        for key, of in slots.items()
    }
