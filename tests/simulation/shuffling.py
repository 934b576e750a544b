"""Some orders' streams in any order: what a view wants of them, cut into writes, and folded."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from bus.owner import Delivered
from bus.testing.ground import MemoryGround
from bus.view import View
from bus.views.folding import Slots, fold
from bus.views.reading import Item, Reading
from domains.catalog.messages import ListProduct
from domains.ordering.messages import CancelOrder
from domains.shipping.messages import DeliverShipment, DispatchShipment
from tests.mesh.shop import Shop, card, euro, line, order, shop, voucher

LONGEST = (1, 6, 20)
"""Events of a stream in one write, at most; each shuffle has one of these."""

Told = Mapping[str, Sequence[Delivered]]
"""All that was recorded, by domain."""
Streams = Mapping[str, Sequence[Item]]
"""What a view wants of each stream; or of some of them, in one write."""


async def some_orders() -> Told:
    """One that half is sent of and half called off, one paid back, and one that can't be had."""
    async with shop(MemoryGround()) as it:
        await it.accepted(ListProduct(id="tea", name="Tea", price=euro(450)))
        await it.stock(tea=9, cup=9)
        parcels = [line("tea", 2, seller="s-1"), line("cup", seller="s-2")]
        await it.accepted(order("half", *parcels, payments=[voucher(500), card(2700)]))
        await it.accepted(order("paid-back", line("tea")))
        await it.accepted(order("unavailable", line("cup", 10)))
        await it.mesh.rest()
        await it.accepted(DispatchShipment(id="half", parcel=1))
        await it.mesh.rest()
        await it.accepted(CancelOrder(id="half"))
        await it.accepted(CancelOrder(id="paid-back"))
        await it.mesh.rest()
        await it.accepted(DeliverShipment(id="half", parcel=1))
        await it.mesh.rest()
        return await _told(it)


async def _told(it: Shop) -> Told:
    return {
        domain: [Delivered(e.position, e.type, e.body) for e in await store.read(0, 1000)]
        for domain, store in it.mesh.stores.items()
    }


def wanted(view: View, told: Told) -> Streams:
    """The streams of the view that have anything for it."""
    found = {
        source.contract.domain: Reading(view, source).items(told.get(source.contract.domain, ()))
        for source in view.sources
    }
    return {domain: items for domain, items in found.items() if items}


def shuffled(streams: Streams, chance: random.Random) -> Iterator[Streams]:
    """Write by write, each stream in its own order."""
    longest = chance.choice(LONGEST)
    done = dict.fromkeys(streams, 0)
    while left := [domain for domain, items in streams.items() if done[domain] < len(items)]:
        write = {}
        for domain in chance.sample(left, chance.randint(1, len(left))):
            start, done[domain] = done[domain], done[domain] + chance.randint(1, longest)
            write[domain] = streams[domain][start : done[domain]]
        yield write


def folded(view: View, writes: Iterable[Streams], *, remembers: bool) -> Mapping[str, Any]:
    """What stands under each key in the end. A view that does not remember its slots reads them
    back from their JSON. Raises AssertionError where an event would be parked."""
    shapes = {source.contract.domain: source.slot for source in view.sources}
    slots: dict[str, Mapping[str, Struct]] = {}
    shown: dict[str, Any] = {}
    for write in writes:
        result = fold(view, write, slots, ())
        assert not result.parked, result.parked[0].reason
        slots.update(result.slots if remembers else _read_back(result.slots, shapes))
        shown.update((row.key, (row.row, row.columns)) for row in result.rows)
    return {key: (_written(of), shown[key]) for key, of in slots.items()}


def _written(slots: Mapping[str, Struct]) -> Mapping[str, bytes]:
    return {domain: msgspec.json.encode(slot) for domain, slot in slots.items()}


def _read_back(slots: Slots, shapes: Mapping[str, type[Struct]]) -> Slots:
    return {
        key: {d: msgspec.json.decode(text, type=shapes[d]) for d, text in _written(of).items()}
        for key, of in slots.items()
    }
