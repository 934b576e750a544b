"""What an import of history says at its end."""

from __future__ import annotations

import io

from rich.console import Console

from scripts.olist import remembered
from scripts.olist.files import Files
from scripts.olist.past import facts
from scripts.olist.remembered import Remembered
from scripts.sender import Answer


def _found(files: Files) -> Remembered:
    found = Remembered()
    for order in files.orders():
        found.note(facts(order))
        found.answered("ordering", order.order_id, Answer("accepted", replayed=True))
    found.answered("payments", "o-1", Answer("refused", "OrderExists", "is there already"))
    return found


def _printed(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def _console() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=120)


def test_orders_sums_and_facts_are_told_and_what_was_turned_down(files: Files) -> None:
    console = _console()

    remembered.show(console, _found(files), 4.0)

    lines = _printed(console)
    assert lines[0] == "16 orders in 4 s, 4/s"
    assert {"orders cancelled\t5", "orders delivered\t6", "payments\t17"} <= set(lines)
    assert "was paid\t368.23 BRL" in lines
    assert "facts in ordering\t16\t16 were there before" in lines
    assert lines[-1] == "o-1\tpayments: OrderExists\tis there already"


def test_json_holds_all_of_it(files: Files) -> None:
    found = remembered.as_json(_found(files), 4.0)

    assert found["sums"]["paid"] == 36823
    assert found["known_before"] == {"ordering": 16}
    assert found["refused"] == [
        {"domain": "payments", "id": "o-1", "code": "OrderExists", "message": "is there already"}
    ]
