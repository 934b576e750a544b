"""A stock count's file is read whole, or refused with the place that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.counting import WrongFile, counts


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "hall 2.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_one_sku_a_line(tmp_path: Path) -> None:
    found = counts(written(tmp_path, "sku,counted\ntea-1,97\n\ncup,0\r\n"))
    assert found.rows == [("tea-1", 97), ("cup", 0)]
    assert found.reference == f"hall 2.csv {found.digest}"
    again = counts(written(tmp_path, "sku,counted\ntea-1,97\n\ncup,0\r\n"))
    assert again == found
    assert counts(written(tmp_path, "sku,counted\ntea-1,98\n")).reference != found.reference


WRONG = {
    "": "nothing was counted",
    "sku,counted\n": "nothing was counted",
    "tea-1,97\n": "line 1: the header must be sku,counted",
    "sku,counted\ntea-1\n": "line 2: 2 columns expected, 1 there",
    "sku,counted\ncup,1\ntea 1,97\n": "line 3, column sku: 'tea 1' is no SKU",
    "sku,counted\ntea-1,-1\n": "line 2, column counted: '-1' is no number of units",
    "sku,counted\ntea-1,1.5\n": "line 2, column counted: '1.5' is no number of units",
    "sku,counted\ntea-1,9007199254740992\n": "column counted",
    "sku,counted\ntea-1,1\ncup,2\ntea-1,3\n": "line 4, column sku: tea-1 was counted in line 2",
    'sku,counted\n"tea-1,1\n': "line 2: unexpected end of data",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_by_line_and_column(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongFile) as error:
        counts(written(tmp_path, text))
    assert WRONG[text] in str(error.value)


def test_what_is_no_text_and_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="can't decode"):
        counts(written(tmp_path, b"sku,counted\n\xff,1\n"))
    with pytest.raises(WrongFile, match="No such file"):
        counts(tmp_path / "nothing.csv")
