"""What must hold of a shop at rest, whatever has happened to it: the books agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Protocol

from bus.reader import Reader
from bus.store.port import START
from bus.testing.told import told_of
from domains.ordering.messages import PlaceOrder
from projections.reconciliation import VIEW
from scripts.audit.books import Books
from tests.mesh.shop import Shop

END = datetime.max.replace(tzinfo=UTC)


class Ledger(Protocol):
    """What the customers know: the orders that were placed, the units that were received by
    SKU, and what the shop has said yes to, as command id → reply."""

    @property
    def placed(self) -> Sequence[PlaceOrder]: ...
    @property
    def received(self) -> Mapping[str, int]: ...
    @property
    def accepted(self) -> Mapping[str, dict[str, Any]]: ...


async def agree(it: Shop, ledger: Ledger) -> None:
    """All books of the shop. Raises AssertionError where two of them differ."""
    await the_stock_adds_up(it, ledger)
    await the_money_adds_up(it, ledger)
    await every_accepted_command_is_there_once(it, ledger)
    await the_streams_are_the_stores(it)
    await the_audit_balances(it)
    await nothing_diverges(it)


async def the_stock_adds_up(it: Shop, ledger: Ledger) -> None:
    shipped: defaultdict[str, int] = defaultdict(int)
    waiting: defaultdict[str, int] = defaultdict(int)
    for order in ledger.placed:
        parcels = await parcels_of(it, order.id)
        for number, (lines, left, called_off) in parcels.items():
            assert not (left and called_off), (order.id, number)
            for sku, quantity in lines:
                (shipped if left else waiting)[sku] += 0 if called_off else quantity
    for sku, received in ledger.received.items():
        on_hand, reserved = await it.stock_of(sku)
        back, off = await came_back(it, sku)
        assert on_hand == received + back - off - shipped[sku] >= reserved >= 0
        assert reserved == waiting[sku]


async def came_back(it: Shop, sku: str) -> tuple[int, int]:
    """Units that were returned, and written off."""
    sums = {"UnitsReturned": 0, "StockWrittenOff": 0}
    for event in await it.mesh.events("inventory", sku):
        if event.type in sums:
            sums[event.type] += event.data.quantity  # type: ignore[attr-defined]
    return sums["UnitsReturned"], sums["StockWrittenOff"]


async def parcels_of(it: Shop, id: str) -> dict[int, tuple[list[tuple[str, int]], bool, bool]]:
    """By number: what is in the parcel, whether it has left, whether it was called off."""
    parcels = {}
    events = await it.mesh.events("shipping", id)
    left = {e.data.parcel for e in events if e.type == "ShipmentDispatched"}  # type: ignore[attr-defined]
    off = {e.data.parcel for e in events if e.type == "ShipmentCalledOff"}  # type: ignore[attr-defined]
    for planned in await it.all("shipping", id, "ShipmentPlanned"):
        number = planned.data.parcel  # type: ignore[attr-defined]
        lines = [(line.sku, line.quantity) for line in planned.data.lines]  # type: ignore[attr-defined]
        parcels[number] = (lines, number in left, number in off)
    return parcels


async def the_money_adds_up(it: Shop, ledger: Ledger) -> None:
    """What the provider has kept of an order is what its parcels that left were worth, and
    what it holds is for parcels that still can leave."""
    held: defaultdict[str, int] = defaultdict(int)
    kept: defaultdict[str, int] = defaultdict(int)
    for line in it.provider.report():
        held[line.order_id] += line.authorised - line.captured - line.voided
        kept[line.order_id] += line.captured + line.settled - line.refunded
    for order in ledger.placed:
        value, waiting = 0, 0
        events = await it.mesh.events("shipping", order.id)
        gone = {e.data.parcel for e in events if e.type != "ShipmentPlanned"}  # type: ignore[attr-defined]
        for event in events:
            if event.type == "ShipmentDispatched":
                value += event.data.value.amount  # type: ignore[attr-defined]
            if event.type == "ShipmentPlanned" and event.data.parcel not in gone:  # type: ignore[attr-defined]
                waiting += event.data.value.amount  # type: ignore[attr-defined]
        back, owed, failed = await not_kept(it, order.id)
        # What was settled at once is kept before its parcel leaves.
        wanted, got = value + waiting - back - owed, held[order.id] + kept[order.id]
        # Of what failed, a parcel that is still to leave may be short, too.
        assert wanted - min(waiting, failed) <= got <= wanted, order.id
        assert held[order.id] <= waiting, order.id


async def not_kept(it: Shop, id: str) -> tuple[int, int, int]:
    """What was to be given back, what nobody has paid, and what could not be captured."""
    back = owed = failed = 0
    for event in await it.mesh.events("ordering", id):
        if event.type in ("ReturnAccepted", "ParcelLost", "ReplacementUnavailable"):
            back += event.data.value.amount  # type: ignore[attr-defined]
    for event in await it.mesh.events("payments", id):
        match event.type:
            case "ParcelUnpaid":
                owed += event.data.amount.amount  # type: ignore[attr-defined]
            case "RefundBooked":
                owed -= event.data.set_off.amount  # type: ignore[attr-defined]
            case "CaptureFailed":
                failed += event.data.amount.amount  # type: ignore[attr-defined]
    return back, owed, failed


async def every_accepted_command_is_there_once(it: Shop, ledger: Ledger) -> None:
    causes: defaultdict[str, list[str]] = defaultdict(list)
    for domain in it.mesh.domains:
        for event in await it.mesh.events(domain):
            causes[event.causation_id].append(event.type)
    for command_id, answer in ledger.accepted.items():
        assert causes[command_id] == [event["type"] for event in answer["events"]]


async def the_streams_are_the_stores(it: Shop) -> None:
    """Whoever reads a stream gets the store's own bytes, and what he misses is mended."""
    for domain, store in it.mesh.stores.items():
        stored = await store.read(0, (await store.head()).position)
        assert await read(it, domain, len(stored)) == [event.body for event in stored]
    await it.mesh.rest()
    for domain, store in it.mesh.stores.items():
        # Without its first messages a stream counts as trimmed; those stay the log's.
        first = (await it.mesh.broker.stream_state(domain)).first
        for event in await store.read(first - 1, (await store.head()).position):
            assert await it.mesh.broker.stream_get(domain, event.position) == event.body


async def the_audit_balances(it: Shop) -> None:
    found = list((await audited(it)).findings())
    assert found == [], found


async def audited(it: Shop) -> Books:
    """So says who has no line in common with those who keep the books."""
    books = Books([*it.mesh.stores])
    for domain, store in it.mesh.stores.items():
        head = await store.head()
        for event in await store.read(0, head.position):
            books.take(domain, event.position, event.body)
        assert books.trails[domain].digest == head.digest
    assert books.balance(END) == 0
    return books


LATE = ("stuck-", "reserved-too-long-", "authorized-too-long-")
"""The rules that say what will be wrong if nothing more happens for days."""


async def nothing_diverges(it: Shop) -> None:
    """What is late, or waits for a carrier, is no divergence."""
    facts = await told_of(VIEW, it.mesh.stores)
    async with facts.store.snapshot() as snapshot:
        page = await snapshot.rows.find({}, order="due", limit=1000)
    wrong = [
        (row["of"]["id"], task["found"]["said"])
        for row in page.rows
        for task in row["tasks"]
        if not task["id"].startswith(LATE)
    ]
    assert wrong == []


async def read(it: Shop, domain: str, events: int) -> list[bytes]:
    found: list[bytes] = []
    if events:
        reader = Reader(it.mesh.broker, it.mesh.domains[domain].contract, clock=it.mesh.clock)
        async with aclosing(reader.follow(START)) as batches:
            async for batch in batches:
                found += [delivered.body for delivered in batch]
                if len(found) >= events:
                    break
    return found
