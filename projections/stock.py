"""The view `stock`, kept in Redis: what of each SKU is on hand, reserved, available."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from bus.envelope import Recorded
from bus.questions import by_key, listing
from bus.view import Query, Rows, Source, View
from domains.inventory.messages import CONTRACT as INVENTORY
from domains.inventory.messages import (
    StockAdjusted,
    StockReceived,
    StockWrittenOff,
    UnitsReleased,
    UnitsReserved,
    UnitsReturned,
    UnitsShipped,
)


class Units(Struct, frozen=True, kw_only=True):
    sku: str
    on_hand: int = 0
    reserved: int = 0
    shipped: int = 0
    returned: int = 0


class Stock(Struct, frozen=True, kw_only=True):
    """`available` is what is on hand and kept for nobody; `shipped` has left so far, of
    which `returned` has come back."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    shipped: int
    returned: int = 0


def keys(event: Recorded[Any]) -> Iterable[str]:
    return (event.id,)


def fold(  # noqa: PLR0911
    slot: Units | None, event: Recorded[Any], sku: str
) -> Units:
    units = slot or Units(sku=sku)
    match event.data:
        case StockReceived(quantity=n):
            return replace(units, on_hand=units.on_hand + n)
        case StockWrittenOff(quantity=n):
            return replace(units, on_hand=units.on_hand - n)
        case UnitsReserved(quantity=n):
            return replace(units, reserved=units.reserved + n)
        case UnitsReleased(quantity=n):
            return replace(units, reserved=units.reserved - n)
        case UnitsReturned(quantity=n):
            return replace(units, on_hand=units.on_hand + n, returned=units.returned + n)
        case StockAdjusted(on_hand=n, reserved=kept):
            return replace(units, on_hand=units.on_hand + n, reserved=units.reserved + kept)
        case UnitsShipped(quantity=n):
            return replace(
                units,
                on_hand=units.on_hand - n,
                reserved=units.reserved - n,
                shipped=units.shipped + n,
            )
    raise TypeError(f"{event.type} is no event of a SKU's stock")


def row(slots: Mapping[str, Any]) -> Stock:
    units: Units = slots["inventory"]
    return Stock(
        sku=units.sku,
        on_hand=units.on_hand,
        reserved=units.reserved,
        available=units.on_hand - units.reserved,
        shipped=units.shipped,
        returned=units.returned,
    )


class Several(Struct, frozen=True, forbid_unknown_fields=True):
    skus: Annotated[list[str], Meta(max_length=1000)]


class Low(Struct, frozen=True, forbid_unknown_fields=True):
    """SKUs of which less than `below` units are available."""

    below: int = 5
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


async def many(rows: Rows, _: str, asked: Several) -> Mapping[str, Any]:
    found = await rows.many(dict.fromkeys(asked.skus))
    return {"rows": [found[sku] for sku in found], "unknown": sorted({*asked.skus} - {*found})}


async def low(rows: Rows, _: str, asked: Low) -> Mapping[str, Any]:
    page = await rows.find({}, order="available", limit=asked.limit)
    return {"rows": [stock for stock in page.rows if stock["available"] < asked.below]}


VIEW = View(
    name="stock",
    version=2,
    sources=[
        Source(
            INVENTORY,
            Units,
            [
                *(StockReceived, StockWrittenOff, UnitsReturned),
                *(UnitsReserved, UnitsReleased, UnitsShipped, StockAdjusted),
            ],
        )
    ],
    keys=keys,
    fold=fold,
    row=row,
    columns={"available": int},
    queries=[
        by_key(),
        Query("many", many, Several, example='{"skus":["tea-1","tea-2"]}'),
        Query("low", low, Low, example='{"below":3}'),
        listing(),
    ],
    backend="redis",
)

if __name__ == "__main__":
    from bus.views.process import run

    run(VIEW)
