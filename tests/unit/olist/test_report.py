"""What an import shows while it is at work, and at its end."""

from __future__ import annotations

import io

from rich.console import Console

from scripts.olist import report, summary
from scripts.olist.files import Files
from scripts.olist.flights import Landed
from scripts.olist.mapping import journey


def _console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120)


def _printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _two_phases(console: Console) -> str:
    shown = report.on(console)
    shown.begin("products", 2)
    shown.advance()
    shown.advance()
    shown.say("nothing has moved")
    shown.begin("orders", 100)
    shown.advance()
    shown.finish()
    shown.finish()
    return _printed(console)


def test_a_pipe_gets_a_line_for_each_phase_when_it_is_over() -> None:
    lines = _two_phases(_console(terminal=False)).splitlines()

    assert [line.split(" in ")[0] for line in lines] == [
        "nothing has moved",
        "products: 2",
        "orders: 1 of 100",
    ]


def test_a_terminal_gets_bars() -> None:
    shown = _two_phases(_console(terminal=True))

    assert "products" in shown
    assert "1 of 100" in shown


def _landed(files: Files) -> Landed:
    landed = Landed()
    for order in files.orders():
        way = journey(order)
        landed.note(way, "shipped" if way.place.id == "plain" else way.end)
    return landed


def test_the_summary_counts_ends_and_names_what_was_refused_and_what_went_otherwise(
    files: Files,
) -> None:
    console = _console(terminal=False)

    summary.after(console, _landed(files), 4.0)

    lines = _printed(console).splitlines()
    assert lines[0] == "16 orders in 4 s, 4/s"
    assert "confirmed\t3" in lines
    assert "empty\trefused NoLines" in lines
    assert "cancelled too late, refused as expected\t2" in lines
    assert lines[-1].startswith("plain\tshipped\tinstead of delivered")


def test_the_summary_as_json_holds_all_of_it(files: Files) -> None:
    found = summary.as_json(_landed(files), 4.0)

    assert found["ends"]["refused PaymentsDontAddUp"] == 2
    assert {"order_id": "empty", "code": "NoLines"} in found["refused"]
    assert [one["order_id"] for one in found["otherwise"]] == ["plain"]


def test_the_mapping_is_told_to_people_and_to_programs() -> None:
    for terminal in (True, False):
        console = _console(terminal=terminal)
        summary.before(console)
        assert "cancelled (unavailable)" in _printed(console)
