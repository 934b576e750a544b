"""What the importer reads of the domains' streams: only as much as it needs to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
from msgspec import Struct

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.clock import Clock
from bus.contract import Contract
from bus.reader import Reader
from bus.store.port import START
from domains.catalog.messages import CONTRACT as CATALOG
from domains.inventory.messages import CONTRACT as INVENTORY
from scripts.olist.course import HEARD, Told
from scripts.olist.mapping import NOTE
from scripts.sender import MeshSilent

DOMAINS = ("catalog", "inventory", "ordering", "payments", "shipping")
TRIES, PAUSE = 10, 1.0
"""How often, and after how many seconds each, a domain is asked that does not answer."""


class _Data(Struct):
    parcel: int = 0
    cause: str = ""
    note: str = ""
    quantity: int = 0


class _Glimpse(Struct):
    """The few fields of an envelope that matter here: quicker than decoding all of it."""

    subject: str
    data: _Data

    @property
    def id(self) -> str:
        return self.subject.partition("/")[2]


_decoder = msgspec.json.Decoder(_Glimpse)


async def answering(broker: Broker, clock: Clock) -> None:
    """Returns when every domain answers, which a restart may delay. Raises MeshSilent."""
    for domain in DOMAINS:
        for _ in range(TRIES):
            try:
                await broker.request(subjects.log_read(domain), b'{"limit":1}')
                break
            except (NoResponders, BrokerUnavailable):
                await clock.sleep(PAUSE)
        else:
            raise MeshSilent(
                f"{domain} does not answer: start the shop with scripts/up, or see "
                "`scripts/trueup status`."
            )


async def follow(
    broker: Broker, contract: Contract, hear: Callable[[Told], None], caught_up: asyncio.Event
) -> None:
    """Tells everything from the first event on, for ever; sets `caught_up` at the end."""
    async for batch in Reader(broker, contract).follow(START):
        if not batch:
            caught_up.set()
        for delivered in batch:
            if delivered.type in HEARD:
                glimpse = _decoder.decode(delivered.body)
                hear(Told(delivered.type, glimpse.id, glimpse.data.parcel, glimpse.data.cause))


async def listed(broker: Broker) -> set[str]:
    """The SKUs of which catalog knows."""
    return {glimpse.id async for glimpse in _all(broker, CATALOG, "ProductListed")}


async def received(broker: Broker, at_most: int) -> dict[str, int]:
    """Units of each SKU that an import has received; there are `at_most` so many SKUs."""
    found: dict[str, int] = {}
    async with aclosing(_all(broker, INVENTORY, "StockReceived")) as glimpses:
        async for glimpse in glimpses:
            if glimpse.data.note == NOTE:
                found[glimpse.id] = glimpse.data.quantity
            if len(found) >= at_most:
                break
    return found


async def _all(broker: Broker, contract: Contract, type: str) -> AsyncGenerator[_Glimpse, None]:
    """The events of one type that there are now."""
    async with aclosing(Reader(broker, contract).follow(START)) as batches:
        async for batch in batches:
            for delivered in batch:
                if delivered.type == type:
                    yield _decoder.decode(delivered.body)
            if not batch:
                return
