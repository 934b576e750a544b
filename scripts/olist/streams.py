"""What the importer reads of the domains' streams: only as much as it needs to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from bus.broker.port import Broker
from bus.contract import Contract
from bus.reader import Reader
from bus.store.port import START
from domains.catalog.messages import CONTRACT as CATALOG
from domains.inventory.messages import CONTRACT as INVENTORY
from scripts.olist.course import HEARD, Told
from scripts.olist.mapping import NOTE


class _Data(Struct):
    parcel: int = 0
    cause: str = ""
    note: str = ""


class _Glimpse(Struct):
    """The few fields of an envelope that matter here: quicker than decoding all of it."""

    subject: str
    data: _Data

    @property
    def id(self) -> str:
        return self.subject.partition("/")[2]


_decoder = msgspec.json.Decoder(_Glimpse)


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
    return await _ids(broker, CATALOG, "ProductListed", lambda _: True, 2**31)


async def received(broker: Broker, at_most: int) -> set[str]:
    """The SKUs of which an import has received stock, of which there are `at_most`."""
    return await _ids(broker, INVENTORY, "StockReceived", lambda data: data.note == NOTE, at_most)


async def _ids(
    broker: Broker,
    contract: Contract,
    type: str,
    matches: Callable[[_Data], bool],
    at_most: int,
) -> set[str]:
    found: set[str] = set()
    async for batch in Reader(broker, contract).follow(START):
        for delivered in batch:
            if delivered.type == type:
                glimpse = _decoder.decode(delivered.body)
                if matches(glimpse.data):
                    found.add(glimpse.id)
        if not batch or len(found) >= at_most:
            break
    return found
