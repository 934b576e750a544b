"""What ordering makes of the other domains' events."""

import pytest

from bus.messages import Command, Event, Money
from bus.testing import NOW, at
from domains.catalog import messages as catalog
from domains.inventory import messages as inventory
from domains.ordering.messages import (
    AcceptReturn,
    ConfirmOrder,
    ConfirmReplacement,
    FailPayment,
    ForgetPrice,
    NotePrice,
    PriceForgotten,
    PriceNoted,
    RecordCallOff,
    RecordDelivery,
    RecordDispatch,
    RecordLoss,
    RefuseReplacement,
    RejectOrder,
    RequestPayment,
    ReturnLine,
)
from domains.payments import messages as payments
from domains.shipping import messages as shipping
from tests.unit.ordering.examples import PLACED, REQUESTED, eur, ordering

DISPATCHED = shipping.ShipmentDispatched(
    parcel=2, seller_id="shop", lines=[], value=eur(1), carrier="post", dispatched_at=NOW
)
RECEIVED = inventory.ReturnReceived(
    number=2,
    receipt=3,
    reference="",
    parts=[
        inventory.ReceivedPart(line=1, sku="tea-1", sellable=2, scrapped=1),
        inventory.ReceivedPart(line=4, sku="tea-1", sellable=0, scrapped=1),
    ],
    complete=True,
)
LISTED = catalog.ProductListed(name="Tea", price=eur(450), category="", seller_id="teahouse")


@pytest.mark.parametrize(
    ("heard", "command"),
    [
        (LISTED, NotePrice(id="x-1", price=eur(450), seller_id="teahouse")),
        (catalog.PriceChanged(price=eur(480)), NotePrice(id="x-1", price=eur(480))),
        (catalog.ProductDelisted(), ForgetPrice(id="x-1")),
        (inventory.StockReserved(parts=[]), RequestPayment(id="x-1")),
        (inventory.ReservationRefused(shortfalls=[]), RejectOrder(id="x-1")),
        (payments.PaymentsSecured(total=eur(900)), ConfirmOrder(id="x-1")),
        (payments.PaymentsFailed(reason="no"), FailPayment(id="x-1", reason="no")),
        (DISPATCHED, RecordDispatch(id="x-1", parcel=2, dispatched_at=NOW)),
        (
            shipping.ShipmentDelivered(parcel=2, delivered_at=NOW),
            RecordDelivery(id="x-1", parcel=2, delivered_at=NOW),
        ),
        (
            shipping.ShipmentCalledOff(parcel=2, lines=[]),
            RecordCallOff(id="x-1", parcel=2, called_off=True),
        ),
        (
            shipping.CallOffRefused(parcel=2),
            RecordCallOff(id="x-1", parcel=2, called_off=False),
        ),
        (
            shipping.DeliveryFailed(parcel=2, lines=[], reason="", failed_at=NOW),
            RecordLoss(id="x-1", parcel=2, came_back=True),
        ),
        (
            shipping.ShipmentLost(parcel=2, lines=[], reason="", lost_at=NOW),
            RecordLoss(id="x-1", parcel=2, came_back=False),
        ),
        (
            RECEIVED,
            AcceptReturn(
                id="x-1",
                number=2,
                receipt=3,
                lines=[ReturnLine(line=1, quantity=3), ReturnLine(line=4, quantity=1)],
                complete=True,
            ),
        ),
        (
            inventory.ReplacementReserved(parcel=3, parts=[]),
            ConfirmReplacement(id="x-1", parcel=3),
        ),
        (
            inventory.ReplacementRefused(parcel=3, shortfalls=[]),
            RefuseReplacement(id="x-1", parcel=3),
        ),
    ],
)
def test_each_event_becomes_one_command_to_ordering_itself(heard: Event, command: Command) -> None:
    assert ordering().when_heard(heard, id="x-1").commands == (command,)


def test_other_events_become_none() -> None:
    heard = inventory.StockReleased(parts=[])
    assert ordering(PLACED).when_heard(heard, id="o-1").then_nothing().commands == ()


def test_reserved_stock_leads_to_the_request_for_payment() -> None:
    ordering(PLACED).when_heard(inventory.StockReserved(parts=[]), id="o-1").then(REQUESTED)


def test_a_listed_price_is_noted_and_a_change_keeps_the_seller() -> None:
    noted = ordering().when_heard(LISTED, id="tea-1")
    noted.then(PriceNoted(price=eur(450), seller_id="teahouse"))
    changed = noted.when_heard(catalog.PriceChanged(price=eur(480)), id="tea-1")
    changed.then(PriceNoted(price=eur(480), seller_id="teahouse"))


def test_a_price_that_is_noted_already_is_not_noted_again() -> None:
    ordering().when_heard(LISTED, id="tea-1").when_heard(LISTED, id="tea-1").then_nothing()


def test_a_delisted_product_is_forgotten_once_and_keeps_its_seller() -> None:
    gone = ordering().when_heard(LISTED, id="tea-1").when(ForgetPrice(id="tea-1"))
    gone.then(PriceForgotten()).when(ForgetPrice(id="tea-1")).then_nothing()
    again = gone.when(NotePrice(id="tea-1", price=Money(450, "EUR")))
    again.then(PriceNoted(price=eur(450), seller_id="teahouse"))


def test_a_price_without_any_seller_is_the_shops() -> None:
    ordering().when(NotePrice(id="tea-1", price=eur(1))).then(
        PriceNoted(price=eur(1), seller_id="shop")
    )


def test_an_unknown_product_has_no_price_to_forget() -> None:
    known = at("other", PriceNoted(price=eur(1), seller_id="shop"))
    ordering(known).when(ForgetPrice(id="tea-1")).then_nothing()
