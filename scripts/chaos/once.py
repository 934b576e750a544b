"""Whether each command that was accepted has its one event, and each event its command.

The stores are read directly. A command of the import is known by its id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bus.settings import database_variable
from bus.store.port import Store, StoredEvent
from bus.store.postgres import PostgresStore
from scripts.olist.files import Files

STEPS: Mapping[str, Mapping[str, str]] = {
    "catalog": {"ProductListed": "list"},
    "inventory": {"StockReceived": "receive"},
    "ordering": {"OrderPlaced": "place"},
    "shipping": {"ShipmentDispatched": "dispatch-{}", "ShipmentDelivered": "deliver-{}"},
}
"""By domain: the type of event that a command of the import has, and the command's name."""
PAGE = 5000


class _Parcel(Struct):
    parcel: int = 0


class _Data(Struct):
    data: _Parcel


class _Answer(Struct):
    status: str


_data = msgspec.json.Decoder(_Data)
_answer = msgspec.json.Decoder(_Answer)


async def compare(files: Path, urls: Mapping[str, str]) -> tuple[int, Sequence[str]]:
    """How many commands were accepted, and what is wrong: none but once each."""
    read = Files(files)
    orders = [order.order_id for order in read.orders()]
    products = [product.product_id for product in read.products()]
    asked = {
        "catalog": [f"olist-{id}-list" for id in products],
        "inventory": [f"olist-{id}-receive" for id in products],
        "ordering": [f"olist-{id}-place" for id in orders],
    }
    accepted, wrong = 0, list[str]()
    for domain in STEPS:
        store = PostgresStore(urls[database_variable(domain)], pool=1)
        await store.open()
        try:
            recorded = await _recorded(domain, store)
            answered = await _accepted(store, {*asked.get(domain, ()), *recorded})
        finally:
            await store.close()
        accepted += len(answered)
        wrong += differences(domain, recorded, answered)
    return accepted, wrong


def differences(domain: str, recorded: Counter[str], answered: set[str]) -> Iterator[str]:
    """Sentences about the commands that were not done once, or not as often as accepted."""
    for command, times in recorded.items():
        if times > 1:
            yield f"{domain}: {command} was done {times} times"
        if command not in answered:
            yield f"{domain}: {command} was done, but not accepted"
    for command in answered - set(recorded):
        yield f"{domain}: {command} was accepted, but not done"


async def _recorded(domain: str, store: Store) -> Counter[str]:
    """How often each command of the import has had its effect, by the command's id."""
    found: Counter[str] = Counter()
    after = 0
    while page := await store.read(after, PAGE):
        after = page[-1].position
        found.update(
            _command(event, STEPS[domain]) for event in page if event.type in STEPS[domain]
        )
    return found


def _command(event: StoredEvent, steps: Mapping[str, str]) -> str:
    step = steps[event.type].format(_data.decode(event.body).data.parcel)
    return f"olist-{event.key.id}-{step}"


async def _accepted(store: Store, commands: set[str]) -> set[str]:
    found: set[str] = set()
    ids = sorted(commands)
    for start in range(0, len(ids), PAGE):
        receipts = await store.receipts(ids[start : start + PAGE])
        found.update(
            id
            for id, receipt in receipts.items()
            if _answer.decode(receipt.answer).status == "accepted"
        )
    return found
