"""Two sides of a book, and how they are shown."""

from __future__ import annotations

import io

from rich.console import Console

from scripts.olist import sides
from scripts.olist.sides import Row, Section, compare


def _piped(*sections: Section) -> str:
    console = Console(file=io.StringIO(), force_terminal=False)
    sides.show(console, sections)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_one_side_does_not_know_is_a_difference() -> None:
    section = compare("orders", "count", {"shipped": 2, "lost": 1}, {"shipped": 2, "found": 3})

    assert section.differing == [Row("found", 0, 3), Row("lost", 1, 0)]
    assert [row.difference for row in section.differing] == [3, -1]


def test_differences_that_cancel_out_are_still_differences() -> None:
    section = compare("money", "cents", {"a": 1, "b": 2}, {"a": 2, "b": 1})

    assert section.sum.difference == 0
    assert len(section.differing) == 2


def test_cents_are_shown_as_money_and_negative_ones_with_one_sign() -> None:
    section = compare("money", "cents", {"a": 123_456_705}, {"a": 123_456_700})

    assert _piped(section).splitlines()[0] == "money\ta\t1234567.05\t1234567.00\t-0.05"


def test_a_long_book_shows_its_sum_and_only_what_differs() -> None:
    files = {f"sku-{n:03}": 1 for n in range(100)}
    shop = {**files, "sku-042": 2}

    assert _piped(compare("units", "count", files, shop)).splitlines() == [
        "units\tsku-042\t1\t2\t1",
        "units\tall 100\t100\t101\t1",
    ]


def test_a_long_book_that_is_all_wrong_says_how_much_it_does_not_name() -> None:
    files = {f"sku-{n:03}": 1 for n in range(100)}

    lines = _piped(compare("units", "count", files, {})).splitlines()

    assert len(lines) == sides.DIFFERING + 2
    assert "80 more" in lines[-1]


def test_json_holds_every_difference() -> None:
    files = {f"sku-{n:03}": 1 for n in range(100)}

    (book,) = sides.as_json([compare("units", "count", files, {})])

    assert (book["rows"], book["files"], book["shop"]) == (100, 100, 0)
    assert len(book["differing"]) == 100


def test_people_get_a_table() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    sides.show(console, [compare("orders", "count", {"shipped": 1107}, {"shipped": 1107})])

    assert isinstance(console.file, io.StringIO)
    assert "1,107" in console.file.getvalue()
