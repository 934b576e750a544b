"""The same kind of events and rows with the `eventsourcing` library, as its manual shows it.

An application keeps the events in Postgres; a projection, run by the library's
ProjectionRunner, writes a row per order and its tracking in one transaction.
`python -m scripts.bench.views_library` is that projection's process.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from bus.messages import Event
from domains.ordering.messages import OrderPlaced
from scripts.bench.views_events import happened

PROGRESS = "select max(notification_id) from board_tracking where application_name = 'Shop'"
FINISHED = "select count(*) from board where state = 'delivered'"
TOGETHER = 500
"""Events saved in one transaction, to fill the application quickly."""


class Order(Aggregate):
    """Its events carry what ordering's do."""

    @event("Placed")
    def __init__(
        self, customer_id: str, lines: Any, payments: Any, total: Any, ordered_at: str
    ) -> None:
        self.state = "placed"

    @event("PaymentRequested")
    def request_payment(self, customer_id: str, payments: Any, total: Any, expires_at: str) -> None:
        self.state = "awaiting_payment"

    @event("Confirmed")
    def confirm(self, customer_id: str, parcels: Any, ordered_at: str) -> None:
        self.state = "confirmed"

    @event("Shipped")
    def ship(self, parcel: int, dispatched_at: str) -> None:
        self.state = "shipped"

    @event("Delivered")
    def deliver(self, delivered_at: str) -> None:
        self.state = "delivered"


class Shop(Application[UUID]):
    """Holds the events."""


STATES: Mapping[str, str] = {
    "PaymentRequested": "awaiting_payment",
    "Confirmed": "confirmed",
    "Shipped": "shipped",
    "Delivered": "delivered",
}


class Board(PostgresTrackingRecorder):
    """A row per order, with the columns and the index of ours."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        for statement in (
            "create table if not exists board (key uuid primary key, customer_id text, state text,"
            " total bigint, currency text, lines int, ordered_at timestamptz,"
            " changed_at timestamptz) with (fillfactor = 80)",
            "create index if not exists board_state on board (state, key)",
        ):
            self.sql_create_statements.append(SQL(statement).format())

    def write(self, statement: str, values: Mapping[str, Any], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(SQL(statement), values, prepare=True)
            self._insert_tracking(cursor, tracking)


PLACED = """
insert into board values (%(key)s, %(customer_id)s, 'placed', %(total)s, %(currency)s,
    %(lines)s, %(ordered_at)s, %(changed_at)s)
"""
CHANGED = "update board set state = %(state)s, changed_at = %(changed_at)s where key = %(key)s"


class BoardProjection(Projection[Board]):
    name = "board"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        state = STATES[type(domain_event).__name__]
        values = {"state": state, "changed_at": domain_event.timestamp}
        self.view.write(CHANGED, {"key": domain_event.originator_id, **values}, tracking)

    @process_event.register
    def placed(self, domain_event: Order.Placed, tracking: Tracking) -> None:  # type: ignore[name-defined]
        values = {
            "key": domain_event.originator_id,
            "customer_id": domain_event.customer_id,
            "total": domain_event.total["amount"],
            "currency": domain_event.total["currency"],
            "lines": len(domain_event.lines),
            "ordered_at": datetime.fromisoformat(domain_event.ordered_at),
            "changed_at": domain_event.timestamp,
        }
        self.view.write(PLACED, values, tracking)


METHODS: Mapping[str, Any] = {
    "PaymentRequested": Order.request_payment,
    "OrderConfirmed": Order.confirm,
    "OrderShipped": Order.ship,
    "OrderDelivered": Order.deliver,
}


def environment(server: str, shop: str, board: str) -> Mapping[str, str]:
    """What the library is told: a server's URL, and the databases of application and view."""
    parts = urlsplit(server)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "SHOP_POSTGRES_DBNAME": shop,
        "BOARD_POSTGRES_DBNAME": board,
        "POSTGRES_HOST": parts.hostname or "",
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": parts.password or "",
    }


def fill(environment: Mapping[str, str], orders: int) -> int:
    """The lives of `orders`, as in our stream; gives how many events there are."""
    with Shop(env=dict(environment)) as shop:
        living: dict[str, Order] = {}
        unsaved: dict[str, Order] = {}
        count = 0
        for id, happening in happened(orders):
            living[id] = unsaved[id] = _after(living.get(id), happening)
            count += 1
            if count % TOGETHER == 0:
                shop.save(*unsaved.values())
                unsaved.clear()
        shop.save(*unsaved.values())
        return count


def _after(order: Order | None, happening: Event) -> Order:
    fields = msgspec.to_builtins(happening)
    name = fields.pop("@type")
    if order is None:
        assert isinstance(happening, OrderPlaced)
        return Order(**fields)
    METHODS[name](order, **fields)
    return order


def run() -> None:
    """Projects until it is killed; the environment says what and where."""
    with ProjectionRunner(
        application_class=Shop, projection_class=BoardProjection, view_class=Board
    ) as runner:
        runner.run_forever()


if __name__ == "__main__":
    # Events name their classes by this module's real name: run those, not copies of them.
    from scripts.bench.views_library import run as run_real

    run_real()
