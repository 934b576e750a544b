"""What is kept of orders that were played elsewhere: no more than their rules need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from bus.messages import Money
from bus.view import sortable
from domains.ordering import messages as ordering
from domains.payments import messages as payments
from domains.shipping import messages as shipping
from projections.reconciliation.slots import Facts, added


def fold(told: Facts, data: Any) -> Facts:
    """`told` with what an event of the past adds; as it is with any other."""
    match data:
        case ordering.PastOrderRecorded():
            times = _known({"approved": data.approved_at, "delivered": data.delivered_at})
            text = {"state": data.state, "status": data.status, **times}
            counted = added(told.units, [("lines", len(data.lines))])
            return _with_money(replace(told, units=counted, text=text), "worth", data.total)
        case payments.PastPaymentsRecorded():
            counted = added(told.units, [("payments", len(data.payments))])
            return _with_money(replace(told, units=counted), "paid", data.total)
        case payments.PastPaymentsAdjusted():
            return replace(told, money=added(told.money, [("adjusted", data.change)]))
        case shipping.PastShipmentsRecorded():
            return _sent(told, data.parcels)
        case _:
            return told


def _with_money(told: Facts, name: str, money: Money) -> Facts:
    return replace(told, money=added(told.money, [(name, money.amount)]), currency=money.currency)


def _sent(told: Facts, parcels: Iterable[shipping.PastParcel]) -> Facts:
    """How many parcels left, how many of these nobody knows when, and when the first one did."""
    left = [each for each in parcels if each.state in ("dispatched", "delivered")]
    times = [each.dispatched_at for each in left if each.dispatched_at is not None]
    units = [("left", len(left)), ("undated", len(left) - len(times))]
    first = _known({"dispatched": min(times, default=None)})
    return replace(told, units=added(told.units, units), text={**told.text, **first})


def _known(times: Mapping[str, datetime | None]) -> Mapping[str, str]:
    return {name: sortable(time) for name, time in times.items() if time is not None}
