"""Placing an order: what it costs, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from bus.decider import NotYet, Refused
from bus.messages import MAX_AMOUNT, Money
from bus.testing import NOW, Given, at
from domains.ordering.messages import (
    Line,
    OrderLine,
    OrderPayment,
    OrderPlaced,
    Payment,
    PlaceOrder,
    PriceForgotten,
    PriceNoted,
)
from tests.unit.ordering.examples import eur, ordering

TEA_450 = at("tea-1", PriceNoted(price=eur(450), seller_id="teahouse"))
TWO_TEAS = PlaceOrder(id="o-1", customer_id="c-7", lines=[Line(sku="tea-1", quantity=2)])
AGREED = Line(sku="tea-1", quantity=2, price=eur(400), freight=eur(50), seller_id="shop")


def place(*lines: Line, payments: list[Payment] | None = None) -> PlaceOrder:
    return PlaceOrder(id="o-1", customer_id="c-7", lines=list(lines), payments=payments)


def card(amount: Money) -> Payment:
    return Payment(type="credit_card", amount=amount)


def placed(price: Money, freight: Money, seller_id: str, *, listed: bool = False) -> OrderPlaced:
    whole = price.times(2) + freight
    line = OrderLine(
        line=1,
        sku="tea-1",
        quantity=2,
        price=price,
        freight=freight,
        seller_id=seller_id,
        listed=listed,
    )
    by_card = OrderPayment(payment=1, type="credit_card", amount=whole, installments=1, token="")
    return OrderPlaced(
        customer_id="c-7", lines=[line], payments=[by_card], total=whole, ordered_at=NOW
    )


def test_an_order_is_priced_from_the_catalog_and_paid_by_one_card() -> None:
    ordering(TEA_450).when(TWO_TEAS).then(placed(eur(450), eur(0), "teahouse", listed=True))


def test_an_agreed_price_needs_no_catalog() -> None:
    ordering().when(place(AGREED)).then(placed(eur(400), eur(50), "shop"))


def test_an_agreed_price_goes_before_the_catalogs() -> None:
    ordering(TEA_450).when(place(AGREED)).then(placed(eur(400), eur(50), "shop"))


@pytest.mark.parametrize(
    ("known", "seller"),
    [
        (ordering(), "shop"),
        (ordering(TEA_450), "teahouse"),
        (ordering(TEA_450, at("tea-1", PriceForgotten())), "teahouse"),
    ],
)
def test_with_an_agreed_price_alone_the_seller_is_the_one_last_known(
    known: Given, seller: str
) -> None:
    line = replace(AGREED, seller_id=None)
    known.when(place(line)).then(placed(eur(400), eur(50), seller))


def test_lines_and_payments_are_numbered_in_their_order() -> None:
    voucher = Payment(type="voucher", amount=eur(50), token="gift")
    command = place(AGREED, AGREED, payments=[card(eur(1650)), voucher])
    (event,) = ordering().when(command).events
    assert isinstance(event, OrderPlaced)
    assert [line.line for line in event.lines] == [1, 2]
    assert [(p.payment, p.type) for p in event.payments] == [(1, "credit_card"), (2, "voucher")]


def test_an_order_without_lines_is_refused() -> None:
    ordering().when(place()).then(Refused("NoLines"))


def test_payments_must_sum_to_what_the_order_costs() -> None:
    short = place(AGREED, payments=[card(eur(849))])
    ordering().when(short).then_refused(
        "PaymentsDontAddUp",
        expected={"amount": 850, "currency": "EUR"},
        given={"amount": 849, "currency": "EUR"},
    )


def test_no_payments_at_all_do_not_pay_for_anything() -> None:
    ordering().when(place(AGREED, payments=[])).then(Refused("PaymentsDontAddUp"))


def test_payments_of_nothing_are_kept() -> None:
    command = place(AGREED, payments=[card(eur(850)), card(eur(0))])
    (event,) = ordering().when(command).events
    assert isinstance(event, OrderPlaced)
    assert [payment.amount for payment in event.payments] == [eur(850), eur(0)]


@pytest.mark.parametrize("payments", [None, [], [card(eur(0))]])
def test_an_order_may_cost_nothing(payments: list[Payment] | None) -> None:
    gift = Line(sku="tea-1", quantity=2, price=eur(0), seller_id="shop")
    ordering().when(place(gift, payments=payments)).then(placed(eur(0), eur(0), "shop"))


@pytest.mark.parametrize(
    "command",
    [
        place(AGREED, replace(AGREED, price=Money(400, "USD"))),
        place(replace(AGREED, freight=Money(50, "USD"))),
        place(AGREED, payments=[card(Money(850, "USD"))]),
    ],
)
def test_an_order_has_one_currency(command: PlaceOrder) -> None:
    ordering().when(command).then(Refused("CurrencyMismatch"))


def test_an_order_may_cost_as_much_as_every_reader_can_count() -> None:
    dear = replace(AGREED, quantity=1, price=eur(MAX_AMOUNT), freight=None)
    ordering().when(place(dear)).then(*ordering().when(place(dear)).events)
    ordering().when(place(dear, replace(AGREED, price=eur(1)))).then(Refused("AmountTooLarge"))


def test_an_unknown_product_is_refused_only_if_the_copy_is_up_to_date() -> None:
    ordering().when(TWO_TEAS).then(NotYet("catalog", Refused("UnknownProduct")))


def test_a_delisted_product_is_refused_only_if_the_copy_is_up_to_date() -> None:
    gone = ordering(TEA_450, at("tea-1", PriceForgotten()))
    gone.when(TWO_TEAS).then(NotYet("catalog", Refused("ProductDelisted")))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (replace(TWO_TEAS, payments=[card(eur(901))]), "PaymentsDontAddUp"),
        (replace(TWO_TEAS, payments=[card(Money(900, "USD"))]), "CurrencyMismatch"),
    ],
)
def test_what_rests_on_a_copied_price_is_refused_only_if_it_is_up_to_date(
    command: PlaceOrder, code: str
) -> None:
    ordering(TEA_450).when(command).then(NotYet("catalog", Refused(code)))


def test_the_same_order_again_changes_nothing() -> None:
    ordering(TEA_450).when(TWO_TEAS).when(TWO_TEAS).then_nothing()


def test_the_same_order_again_changes_nothing_though_the_price_has_changed() -> None:
    dearer = at("tea-1", PriceNoted(price=eur(999), seller_id="other"))
    order = placed(eur(450), eur(0), "teahouse")
    ordering(TEA_450, order, dearer).when(TWO_TEAS, now=NOW + timedelta(days=1)).then_nothing()


@pytest.mark.parametrize(
    "other",
    [
        replace(TWO_TEAS, customer_id="c-8"),
        replace(TWO_TEAS, ordered_at=NOW - timedelta(days=1)),
        place(Line(sku="tea-1", quantity=3)),
        place(Line(sku="tea-2", quantity=2)),
        place(Line(sku="tea-1", quantity=2, price=eur(451))),
        place(Line(sku="tea-1", quantity=2, freight=eur(1))),
        place(Line(sku="tea-1", quantity=2, seller_id="other")),
        place(*TWO_TEAS.lines, *TWO_TEAS.lines),
        place(),
        place(*TWO_TEAS.lines, payments=[Payment(type="boleto", amount=eur(900))]),
        place(*TWO_TEAS.lines, payments=[card(eur(450)), card(eur(450))]),
    ],
)
def test_another_order_under_the_same_id_is_refused(other: PlaceOrder) -> None:
    ordering(TEA_450).when(TWO_TEAS).when(other).then(Refused("OrderExists"))


def test_an_order_that_was_placed_elsewhere_keeps_its_time() -> None:
    brasilia = timezone(timedelta(hours=-3))
    command = replace(place(AGREED), ordered_at=datetime(2017, 10, 2, 22, 30, tzinfo=brasilia))
    (event,) = ordering().when(command).events
    assert isinstance(event, OrderPlaced)
    assert event.ordered_at.isoformat() == "2017-10-03T01:30:00+00:00"


@pytest.mark.parametrize(
    "time",
    [
        NOW + timedelta(days=2),
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
    ],
)
def test_a_time_that_cannot_be_is_refused(time: datetime) -> None:
    command = replace(place(AGREED), ordered_at=time)
    ordering().when(command).then(Refused("TimeOutOfRange"))
