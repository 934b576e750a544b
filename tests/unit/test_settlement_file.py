"""A settlement report's file is read whole, or refused with each place that is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bus.messages import Money
from bus.testing import NOW
from domains.payments.messages import MOST_MOVEMENTS, Movement
from scripts.provider.movements import COLUMNS as WRITTEN
from scripts.settlement.columns import COLUMNS
from scripts.settlement.file import SHOWN, WrongFile, reported

HEADER = "movement,time,order,payment,reference,kind,amount,currency\n"
ONE = "mv-1,2025-12-30T10:00:00Z,o-1,1,ch_1,captured,1450,EUR\n"
TWO = "mv-2,2025-12-30T11:30:00.5+01:00,o-1,1,ch_1,refunded,450,EUR\n"
THREE = "mv-3,2025-12-29T00:00:00Z,o-2,2,ch_2,captured,1,BRL\n"


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "december.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_one_movement_a_line(tmp_path: Path) -> None:
    found = reported(
        written(tmp_path, "\ufeff" + HEADER + ONE + "\r\n" + TWO + ONE + THREE), None, NOW
    )
    assert list(found.orders) == ["o-1", "o-2"]
    assert found.orders["o-1"][0] == Movement(
        id="mv-1",
        time=NOW - timedelta(days=2, hours=-10),
        payment=1,
        reference="ch_1",
        kind="captured",
        amount=Money(1450, "EUR"),
    )
    assert (found.movements, found.latest) == (3, found.orders["o-1"][1].time)


def test_the_columns_are_those_that_the_provider_writes() -> None:
    assert COLUMNS == WRITTEN == tuple(HEADER.strip().split(","))


def line(**other: str) -> str:
    values = dict(zip(COLUMNS, ONE.strip().split(","), strict=True)) | {"movement": "mv-9", **other}
    return HEADER + TWO + ",".join(values.values()) + "\n"


WRONG = {
    "": "there is no movement in it",
    HEADER: "there is no movement in it",
    ONE: "line 1: the header must be movement,time,order",
    HEADER + "mv-1,o-1\n": "line 2: 8 columns expected, 2 there",
    HEADER + '"mv-1\n': "line 2: unexpected end of data",
    line(movement="mv 1"): "line 3, column movement: 'mv 1' is no id of 1 to 100",
    line(movement=""): "line 3, column movement: '' is no id",
    line(time="yesterday"): "line 3, column time: 'yesterday' is no time with a zone",
    line(time="2025-12-30T10:00:00"): "column time: '2025-12-30T10:00:00' is no time with a zone",
    line(time="2026-01-01T00:00:01Z"): "line 3, column time: it is still to come",
    line(order="o 1"): "line 3, column order: 'o 1' is no order's id",
    line(payment="0"): "line 3, column payment: '0' is no payment's number",
    line(payment="one"): "line 3, column payment: 'one' is no payment's number",
    line(reference=""): "line 3, column reference: '' is no reference",
    line(kind="charged"): "line 3, column kind: 'charged' is neither captured nor refunded",
    line(amount="14.50"): "line 3, column amount: '14.50' is no amount in minor units",
    line(amount="-1"): "line 3, column amount: '-1' is no amount",
    line(amount="0"): "line 3, column amount: '0' is no amount",
    line(amount="9007199254740992"): "line 3, column amount: '9007199254740992' is no amount",
    line(amount="١"): "line 3, column amount: '١' is no amount",
    line(currency="eur"): "line 3, column currency: 'eur' is no currency",
    line(currency="USD"): "line 3, column currency: order o-1 is in EUR in line 2",
    line(movement="mv-2"): "line 3, column movement: mv-2 was in line 2 already, and otherwise",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_by_line_and_column(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongFile) as error:
        reported(written(tmp_path, text), None, NOW)
    assert WRONG[text] in str(error.value)
    assert "\n" not in str(error.value)


def test_all_that_is_wrong_is_named_up_to_a_bound(tmp_path: Path) -> None:
    both = "mv 1,now,o-1,1,ch_1,captured,1450,EUR\n"
    with pytest.raises(WrongFile) as error:
        reported(written(tmp_path, HEADER + ONE + both), None, NOW)
    first, second = str(error.value).splitlines()
    assert "line 3, column movement" in first
    assert "line 3, column time" in second
    with pytest.raises(WrongFile) as error:
        reported(written(tmp_path, HEADER + both * SHOWN), None, NOW)
    named = str(error.value).splitlines()
    assert (len(named), named[-1]) == (SHOWN + 1, f"… and {SHOWN} more")


def test_nothing_is_later_than_the_end_that_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, HEADER + ONE + THREE)
    until = NOW - timedelta(days=2)
    with pytest.raises(WrongFile, match="line 2, column time: it is later than the end"):
        reported(file, until, NOW)
    assert reported(file, NOW, NOW).movements == 2


def test_an_order_has_so_many_movements_and_no_more(tmp_path: Path) -> None:
    lines = [ONE.replace("mv-1", f"mv-{n}") for n in range(MOST_MOVEMENTS + 2)]
    with pytest.raises(WrongFile) as error:
        reported(written(tmp_path, HEADER + "".join(lines)), None, NOW)
    said = f"line {MOST_MOVEMENTS + 2}, column order: o-1 has more than {MOST_MOVEMENTS} movements"
    assert str(error.value).endswith(said)
    assert reported(written(tmp_path, HEADER + "".join(lines[:-2])), None, NOW).movements == 1000


def test_what_is_no_text_and_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="line 3: it is no UTF-8 there"):
        reported(written(tmp_path, (HEADER + ONE).encode() + b"mv-2,\xff\n"), None, NOW)
    with pytest.raises(WrongFile, match=r"nothing\.csv: No such file"):
        reported(tmp_path / "nothing.csv", None, NOW)
    with pytest.raises(WrongFile, match="Is a directory"):
        reported(tmp_path, None, NOW)
