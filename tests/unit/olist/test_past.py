"""From rows to what is remembered: the past as the files have it, with every gap and oddity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from bus.messages import Money
from domains.inventory.messages import Part
from domains.payments.messages import PastPayment
from scripts.olist.files import Files, FilesError
from scripts.olist.past import Facts, facts, product
from tests.olist_orders import write

ARRIVED = datetime(2017, 10, 11, 0, 25, 13, tzinfo=UTC)


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Files]:
    files = Files(write(tmp_path, past=True))
    yield files
    files.close()


def of(files: Files, id: str) -> Facts:
    (order,) = files.orders(f"order_id = '{id}'")
    return facts(order)


@pytest.mark.parametrize(
    ("id", "state", "parcels"),
    [
        ("plain", "delivered", ["delivered"]),
        ("no-dates", "delivered", ["delivered"]),
        ("no-carrier", "delivered", ["delivered"]),
        ("two-sellers", "shipped", ["dispatched", "dispatched"]),
        ("invoiced", "confirmed", ["planned"]),
        ("processing", "confirmed", ["planned"]),
        ("approved", "confirmed", ["planned"]),
        ("created", "placed", ["planned"]),
        ("cancelled", "cancelled", ["called_off"]),
        ("cancelled-late", "cancelled", ["dispatched"]),
        ("cancelled-later", "cancelled", ["delivered"]),
        ("unavailable", "cancelled", ["called_off"]),
        ("empty", "cancelled", []),
        ("sent-empty", "shipped", []),
    ],
)
def test_every_status_has_its_state_and_parcels_go_by_the_dates(
    past: Files, id: str, state: str, parcels: list[str]
) -> None:
    told = of(past, id)

    assert told.order.state == state
    assert [parcel.state for parcel in told.shipments.parcels] == parcels
    left = any(stage in ("dispatched", "delivered") for stage in parcels)
    assert (told.stock is not None) == left


def test_the_word_of_the_files_is_kept(past: Files) -> None:
    assert of(past, "unavailable").order.status == "unavailable"


def test_dates_that_the_files_lack_stay_open(past: Files) -> None:
    (parcel,) = of(past, "no-carrier").shipments.parcels
    assert (parcel.dispatched_at, parcel.delivered_at) == (None, ARRIVED)
    (parcel,) = of(past, "no-dates").shipments.parcels
    assert (parcel.dispatched_at, parcel.delivered_at) == (None, None)
    assert of(past, "early").order.approved_at is None
    assert of(past, "plain").order.delivered_at == ARRIVED


def test_units_of_one_product_are_a_line_and_each_seller_has_a_parcel(past: Files) -> None:
    told = of(past, "two-sellers")

    lines = [(line.line, line.sku, line.quantity, line.value.amount) for line in told.order.lines]
    assert lines == [(1, "tea", 2, 2 * 5890 + 225), (2, "cup", 1, 1200)]
    ann, bob = told.shipments.parcels
    assert (ann.parcel, ann.seller_id, ann.value) == (1, "ann", Money(2 * 5890 + 225, "BRL"))
    assert [(line.line, line.quantity) for line in bob.lines] == [(2, 1)]
    assert told.stock is not None
    assert told.stock.parts == [Part(sku="tea", quantity=2), Part(sku="cup", quantity=1)]


def test_payments_are_as_the_files_have_them(past: Files) -> None:
    assert of(past, "plain").payments.payments == [
        PastPayment(payment=2, type="credit_card", amount=Money(7219, "BRL"), installments=0),
        PastPayment(payment=3, type="not_defined", amount=Money(0, "BRL"), installments=1),
    ]
    assert of(past, "unpaid").payments.payments == []
    (late,) = of(past, "overpaid").payments.payments
    assert (late.payment, late.amount.amount) == (5, 1350)


def test_an_order_without_items_is_told_to_all_but_inventory(past: Files) -> None:
    told = of(past, "paid-empty")

    assert told.order.lines == []
    assert told.order.currency == "BRL"
    assert [domain for domain, _ in told.others()] == ["payments", "shipping"]


def test_every_product_is_remembered_also_one_that_nobody_ordered(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with (folder / "olist_products_dataset.csv").open("a", newline="") as file:
        file.write("hat,moda\r\n")
    with (folder / "olist_order_items_dataset.csv").open("a", newline="") as file:
        file.write("plain,2,secret,ann,,0.00,0.00\r\n")

    told = {one.id: (one.name, one.category) for one in map(product, Files(folder).past_products())}

    assert told == {
        "cup": ("sem categoria cup", ""),
        "hat": ("moda hat", "moda"),
        "secret": ("sem categoria secret", ""),
        "tea": ("bebidas tea", "bebidas"),
    }


def test_an_unknown_status_or_payment_type_or_amount_names_itself(past: Files) -> None:
    (order,) = past.orders("order_id = 'overpaid'")
    gold = replace(order.payments[0], payment_type="gold")
    half = replace(order.payments[0], payment_value="0.005")

    for wrong, name in [
        (replace(order, order_status="lost"), "lost"),
        (replace(order, payments=[gold]), "gold"),
        (replace(order, payments=[half]), "0.005"),
        (replace(order, order_approved_at="soon"), "soon"),
    ]:
        with pytest.raises(FilesError, match=name):
            facts(wrong)
