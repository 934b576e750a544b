"""Ordering's events as a shop would write them: many orders under way at once, five events each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bus import envelope, subjects
from bus.broker.port import Broker, Outgoing
from bus.clock import uuid7
from bus.envelope import Key
from bus.messages import Event, Money, tag, total
from bus.owner import Delivered
from domains.ordering.messages import (
    CONTRACT,
    OrderConfirmed,
    OrderDelivered,
    OrderLine,
    OrderPayment,
    OrderPlaced,
    OrderShipped,
    PaymentRequested,
)

EACH = 5
"""Events of one order."""
UNDER_WAY = 500
"""Orders that are open at the same time."""
RUN = 2000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def publish(broker: Broker, orders: int) -> int:
    """Fills ordering's stream with the lives of `orders`; gives its last position."""
    await broker.ensure_stream(CONTRACT.domain)
    position, run = 0, list[Outgoing]()
    for outgoing in outgoings(orders):
        run.append(outgoing)
        if len(run) == RUN:
            await broker.publish_run(CONTRACT.domain, position, run)
            position += len(run)
            run.clear()
    await broker.publish_run(CONTRACT.domain, position, run)
    return position + len(run)


def outgoings(orders: int) -> Iterator[Outgoing]:
    """The same events each time, but for their ids."""
    versions: dict[str, int] = {}
    for number, (id, event) in enumerate(happened(orders)):
        versions[id] = versions.get(id, 0) + 1
        event_id = uuid7()
        body = envelope.encode(
            event=event,
            event_id=event_id,
            domain=CONTRACT.domain,
            key=Key("order", id),
            version=versions[id],
            dataversion=1,
            time=BEGIN + SECOND * number,
            correlation_id=event_id,
            causation_id=f"payments:{number + 1}",
        )
        yield Outgoing(subjects.event(CONTRACT.domain, "order", id, tag(type(event))), body)


def delivered(orders: int) -> Iterator[Delivered]:
    """The same, as a reader of the stream hands them on."""
    for position, (subject, body) in enumerate(outgoings(orders), start=1):
        yield Delivered(position, subject.rpartition(".")[2], body)


def happened(orders: int) -> Iterator[tuple[str, Event]]:
    """Which event comes next is drawn among the orders under way."""
    chance = random.Random(1)
    waiting = ((f"o-{n:07d}", life(chance, n)) for n in range(orders))
    open_orders = list(itertools.islice(waiting, UNDER_WAY))
    while open_orders:
        at = chance.randrange(len(open_orders))
        id, events = open_orders[at]
        yield id, events[0]
        if len(events) > 1:
            open_orders[at] = (id, events[1:])
            continue
        following = next(waiting, None)
        open_orders[at] = following or open_orders[-1]
        if following is None:
            open_orders.pop()


def life(chance: random.Random, number: int) -> Sequence[Event]:
    """From placing to delivery, in one parcel."""
    customer, at = f"c-{number % 9973:05d}", BEGIN + SECOND * number
    lines = [line(chance, n) for n in range(1, chance.choice((1, 1, 1, 2, 3)) + 1)]
    money = total((one.value for one in lines), "BRL")
    payment = OrderPayment(
        payment=1, type="credit_card", amount=money, installments=3, token=f"tok-{number}"
    )
    return (
        OrderPlaced(
            customer_id=customer, lines=lines, payments=[payment], total=money, ordered_at=at
        ),
        PaymentRequested(
            customer_id=customer, payments=[payment], total=money, expires_at=at + 900 * SECOND
        ),
        OrderConfirmed(customer_id=customer, parcels=[lines], ordered_at=at),
        OrderShipped(parcel=1, dispatched_at=at + 3600 * SECOND),
        OrderDelivered(delivered_at=at + 7200 * SECOND),
    )


def line(chance: random.Random, number: int) -> OrderLine:
    return OrderLine(
        line=number,
        sku=f"sku-{chance.randrange(5000):05d}",
        quantity=chance.randrange(1, 4),
        price=Money(chance.randrange(500, 20_000), "BRL"),
        freight=Money(chance.randrange(100, 3_000), "BRL"),
        seller_id=f"seller-{chance.randrange(300):03d}",
    )
