"""Changing the books because reconciliation has found them wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from bus.decider import Refused, Span, States
from bus.envelope import Key
from bus.messages import Event
from domains.inventory.messages import CorrectBooks, ReservationAdjusted, StockAdjusted
from domains.inventory.reservation import Kept, reservation_key, stock_key

Written = Sequence[tuple[Key, Event]]


def _reads(command: CorrectBooks) -> Iterable[Key]:
    """Where the id is no order's, the SKU itself comes first: the command is addressed to it."""
    if command.order:
        yield reservation_key(command.id)
    for sku in sorted({*command.on_hand, *command.reserved}):
        yield stock_key(sku)


def correct(command: CorrectBooks, states: States, now: datetime) -> Written:
    return [*_reservation(command, states), *_stocks(command, states)]


def _reservation(command: CorrectBooks, states: States) -> Iterator[tuple[Key, Event]]:
    if not command.order or not command.kept:
        return
    key = reservation_key(command.id)
    kept = states[key].units if isinstance(states[key], Kept) else {}
    for sku, change in command.kept.items():
        if kept.get(sku, 0) + change < 0:
            raise Refused("NotKept", f"{command.id} keeps {kept.get(sku, 0)} of {sku}.", sku=sku)
    yield (
        key,
        ReservationAdjusted(
            kept=command.kept, rule=command.rule, divergence_id=command.divergence_id
        ),
    )


def _stocks(command: CorrectBooks, states: States) -> Iterator[tuple[Key, Event]]:
    for sku in sorted({*command.on_hand, *command.reserved}):
        stock = states[stock_key(sku)]
        on_hand, reserved = command.on_hand.get(sku, 0), command.reserved.get(sku, 0)
        if not stock.reserved + reserved >= 0:
            raise Refused("NotReserved", f"{stock.reserved} of {sku} are reserved.", sku=sku)
        yield (
            stock_key(sku),
            StockAdjusted(
                on_hand=on_hand,
                reserved=reserved,
                rule=command.rule,
                divergence_id=command.divergence_id,
                order_id=command.id if command.order else None,
            ),
        )


SPAN = Span(_reads, correct)
