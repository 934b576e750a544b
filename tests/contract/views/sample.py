"""A small view over two made-up domains: who owes what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.contract import Contract
from bus.envelope import Recorded
from bus.messages import Event
from bus.questions import by_key
from bus.view import Paged, Query, Rows, Source, View


class Billed(Event, tag="Billed"):
    who: str
    amount: int
    note: str = ""


class Renamed(Event, tag="Renamed"):
    name: str


class Noise(Event, tag="Noise"):
    pass


class Paid(Event, tag="Paid"):
    bill: str
    amount: int


BILLS = Contract(domain="bills", commands={}, events={"bill": (Billed, Renamed, Noise)})
MONEY = Contract(domain="money", commands={}, events={"payment": (Paid,)})


class Bill(Struct, frozen=True):
    id: str = ""
    who: str = ""
    billed: int = 0
    note: str = ""


class Payments(Struct, frozen=True):
    paid: int = 0
    times: int = 0


class Row(Struct, frozen=True):
    id: str
    who: str | None
    owed: int
    note: str


class ByWho(Paged, frozen=True):
    who: str = ""


def keys(event: Recorded[Any]) -> Iterable[str]:
    match event.data:
        case Paid(bill=bill):
            return (bill,)
        case Billed() | Renamed():
            return (event.id,)
    return ()


def fold(slot: Any, event: Recorded[Any], key: str) -> Struct:
    match event.data:
        case Billed(who=who, amount=amount, note=note):
            if amount < 0:
                raise ValueError("nobody owes less than nothing")
            billed: int = slot.billed if slot else 0
            return Bill(key, who, billed + amount, note)
        case Renamed(name=name):
            bill: Bill = slot
            return replace(bill, who=name)
        case Paid(amount=amount):
            paid = slot or Payments()
            return Payments(paid.paid + amount, paid.times + 1)
    raise AssertionError(event)


def row(slots: Mapping[str, Any]) -> Row | None:
    bill, paid = slots.get("bills"), slots.get("money", Payments())
    if bill is None:
        return None
    if paid.paid > bill.billed + 1000:
        raise ValueError("paid far too much")
    return Row(bill.id, bill.who or None, bill.billed - paid.paid, bill.note)


async def by_who(rows: Rows, _: str, asked: ByWho) -> Any:
    return await rows.find({"who": asked.who}, order="owed", limit=asked.limit, after=asked.page)


DEBTS = View(
    name="debts",
    version=1,
    sources=[Source(BILLS, Bill, (Billed, Renamed)), Source(MONEY, Payments)],
    keys=keys,
    fold=fold,
    row=row,
    columns={"who": str, "owed": int, "note": str},
    queries=[by_key(), Query("by_who", by_who, ByWho)],
)
