"""From rows to commands and ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bus.messages import Money
from domains.inventory.messages import ReceiveStock
from domains.ordering.messages import Line, Payment
from scripts.olist.files import Files, FilesError
from scripts.olist.mapping import Journey, journey, listing, receiving
from scripts.olist.placing import PENDING


def _way(files: Files, id: str) -> Journey:
    (order,) = files.orders(f"order_id = '{id}'")
    return journey(order)


def test_every_order_has_its_end(files: Files) -> None:
    assert {way.place.id: way.end for way in map(journey, files.orders())} == {
        "plain": "delivered",
        "no-dates": "delivered",
        "no-carrier": "delivered",
        "early": "delivered",
        "two-sellers": "shipped",
        "invoiced": "confirmed",
        "processing": "confirmed",
        "approved": "confirmed",
        "created": "awaiting_payment",
        "cancelled": "cancelled (customer)",
        "cancelled-late": "shipped",
        "cancelled-later": "delivered",
        "unavailable": "cancelled (unavailable)",
        "empty": "refused NoLines",
        "cent-short": "refused PaymentsDontAddUp",
        "unpaid": "refused PaymentsDontAddUp",
    }


def test_units_of_one_product_become_one_line_with_their_freight_summed(files: Files) -> None:
    tea = Line(
        sku="tea",
        quantity=2,
        price=Money(5890, "BRL"),
        freight=Money(225, "BRL"),
        seller_id="ann",
    )
    cup = Line(
        sku="cup",
        quantity=1,
        price=Money(1000, "BRL"),
        freight=Money(200, "BRL"),
        seller_id="bob",
    )

    assert _way(files, "two-sellers").place.lines == [tea, cup]


def test_payments_keep_their_order_and_get_a_type_and_an_instalment(files: Files) -> None:
    assert _way(files, "plain").place.payments == [
        Payment(type="credit_card", amount=Money(7219, "BRL"), installments=1),
        Payment(type="voucher", amount=Money(0, "BRL"), installments=1),
    ]


def test_an_order_without_payments_says_so_instead_of_leaving_them_open(files: Files) -> None:
    assert _way(files, "unpaid").place.payments == []


def test_the_payments_of_an_order_that_was_only_created_stay_pending(files: Files) -> None:
    payments = _way(files, "created").place.payments

    assert payments is not None
    assert [payment.token for payment in payments] == [PENDING]


def test_times_are_three_hours_behind_utc(files: Files) -> None:
    assert _way(files, "plain").place.ordered_at == datetime(2017, 10, 3, 1, 56, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    ("id", "dispatched", "delivered"),
    [
        ("plain", "2017-10-04 19:55:00", "2017-10-10 21:25:13"),
        ("no-dates", "2017-10-02 23:07:15", "2017-10-18 00:00:00"),
        ("no-carrier", "2017-10-10 21:25:13", "2017-10-10 21:25:13"),
        ("early", "2017-10-01 08:00:00", "2017-10-10 21:25:13"),
        ("two-sellers", "2017-10-04 19:55:00", None),
        ("invoiced", None, None),
        ("cancelled", None, None),
        ("cancelled-late", "2017-10-04 19:55:00", None),
    ],
)
def test_missing_dates_follow_the_stated_rule(
    files: Files, id: str, dispatched: str | None, delivered: str | None
) -> None:
    way = _way(files, id)

    told = [at and at.strftime("%Y-%m-%d %H:%M:%S") for at in (way.dispatched_at, way.delivered_at)]
    assert told == [dispatched, delivered]


@pytest.mark.parametrize("id", ["cancelled", "cancelled-late", "cancelled-later"])
def test_a_cancelled_order_is_cancelled_even_where_it_is_too_late(files: Files, id: str) -> None:
    assert _way(files, id).cancelled


def test_a_product_is_listed_with_a_real_price_and_its_first_seller(files: Files) -> None:
    cup, tea = map(listing, files.products())

    assert (tea.id, tea.name, tea.category) == ("tea", "bebidas tea", "bebidas")
    assert (tea.price, tea.seller_id) == (Money(5890, "BRL"), "ann")
    assert (cup.name, cup.category) == ("sem categoria cup", "")


def test_nothing_is_received_of_what_nobody_needs() -> None:
    assert receiving("tea", 0) is None
    assert receiving("tea", 3) == ReceiveStock(id="tea", quantity=3, note="olist")


@pytest.mark.parametrize("amount", ["0.001", "-1.00", "1,00", "", "NaN", "Infinity"])
def test_what_is_no_amount_in_cents_is_turned_down(files: Files, amount: str) -> None:
    (order,) = files.orders("order_id = 'plain'")
    payment = replace(order.payments[0], payment_value=amount)

    with pytest.raises(FilesError, match="amount"):
        journey(replace(order, payments=[payment]))


def test_cents_are_exact_where_floats_are_not(files: Files) -> None:
    (order,) = files.orders("order_id = 'plain'")
    item = replace(order.items[0], price="90071992547409.91", freight_value="0.00")
    payment = replace(order.payments[0], payment_value="90071992547409.91")

    place = journey(replace(order, items=[item], payments=[payment])).place

    assert place.lines[0].price == Money(9007199254740991, "BRL")


def test_an_unknown_status_or_payment_type_or_time_names_itself(files: Files) -> None:
    (order,) = files.orders("order_id = 'plain'")
    odd = replace(order.payments[0], payment_type="gold")

    for wrong, name in [
        (replace(order, order_status="lost"), "lost"),
        (replace(order, payments=[odd]), "gold"),
        (replace(order, order_purchase_timestamp="yesterday"), "yesterday"),
    ]:
        with pytest.raises(FilesError, match=name):
            journey(wrong)
