"""What the books must say: the SQL and the importer's mapping come to the same by two ways."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scripts.olist.expected import Expected
from scripts.olist.files import Files
from scripts.olist.mapping import journey, needs_stock


def test_orders_end_in_sql_as_in_the_mapping(files: Files) -> None:
    ways = [journey(order) for order in files.orders()]
    expected = Expected(files)

    ends = Counter(way.end for way in ways)
    assert ends == Counter(expected.orders()) + Counter(
        {f"refused {code}": count for code, count in expected.refused().items()}
    )
    refused = [way.place.id for way in ways if way.end.startswith("refused")]
    assert [order.order_id for order in expected.refused_orders()] == refused


def test_money_is_where_its_order_has_taken_it(files: Files) -> None:
    expected = Expected(files)

    assert expected.money() == {
        "boleto pending": 1200,  # created
        "boleto refunded": 1200,  # cancelled
        "boleto settled": 8 * 1200,
        "credit_card captured": 7219 + 10005,
        "voucher settled": 3200,
    }
    assert expected.moves() == {
        "boleto refunded": 1200,
        "boleto settled": 9 * 1200,
        "credit_card authorized": 7219 + 10005,
        "credit_card captured": 7219 + 10005,
        "voucher settled": 3200,
    }
    assert expected.payments()["voucher settled"] == 2


def test_what_was_sold_counts_in_the_month_it_was_ordered(files: Files) -> None:
    expected = Expected(files)

    assert expected.sales("month", "price") == {"2017-10": 3 * 5890 + 9 * 1000}
    assert expected.sales("category", "price") == {"": 9 * 1000, "bebidas": 3 * 5890}
    assert expected.sales("seller", "freight") == {"ann": 1329 + 225, "bob": 9 * 200}


def test_the_month_turns_in_utc(folder: Path) -> None:
    path = folder / "olist_orders_dataset.csv"
    path.write_text(path.read_text().replace("2017-10-02 22:56:33", "2017-10-31 21:00:00"))

    assert list(Expected(Files(folder)).sales("month", "price")) == ["2017-11"]


def test_stock_is_what_is_received_less_what_left(files: Files) -> None:
    needed: Counter[str] = Counter()
    for way in map(journey, files.orders()):
        if needs_stock(way.end):
            needed.update({line.sku: line.quantity for line in way.place.lines})
    expected = Expected(files)

    shipped, on_hand, available = (
        Counter(expected.stock(kind)) for kind in ("shipped", "on_hand", "available")
    )

    assert shipped + on_hand == needed
    assert (shipped.total(), on_hand.total(), available.total()) == (9, 5, 1)
