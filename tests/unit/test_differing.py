"""What `trueup diff` shows of two rows, and how moments are named to it."""

from __future__ import annotations

import pytest

from scripts.commands.differing import MISSING, Field, differing, spelled
from scripts.commands.exits import Exit
from scripts.commands.moments import moment


def test_only_what_differs_is_told_by_its_path() -> None:
    before = {"id": "o-1", "parcels": [{"state": "planned", "lines": [1]}], "total": 5}
    after = {"id": "o-1", "parcels": [{"state": "gone", "lines": [1, 2]}], "total": None}
    assert list(differing(before, after)) == [
        Field("parcels[0].state", "planned", "gone"),
        Field("parcels[0].lines[1]", MISSING, 2),
        Field("total", 5, None),
    ]


def test_what_one_of_them_lacks_is_told_from_null() -> None:
    assert list(differing({"a": None}, {"b": {"c": 1}})) == [
        Field("a", None, MISSING),
        Field("b", MISSING, {"c": 1}),
    ]
    assert list(differing({"a": [1]}, {"a": {"b": 1}})) == [Field("a", [1], {"b": 1})]
    assert [spelled(value) for value in (MISSING, None, {"c": 1})] == ["-", "null", '{"c":1}']


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ordering=4711", {"ordering": 4711}),
        ("ordering=1, products.catalog=2", {"ordering": 1, "products.catalog": 2}),
        ('{"ordering":1,"payments":2}', {"ordering": 1, "payments": 2}),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("ordering", "ordering"),
        ("ordering=1,", "ordering=1,"),
    ],
)
def test_a_moment_is_positions_or_a_time_for_the_view_to_judge(text: str, named: object) -> None:
    assert moment(text) == named


def test_json_that_names_no_positions_is_a_wrong_use() -> None:
    with pytest.raises(Exit, match=r"--as-of must be like") as caught:
        moment('{"ordering":"1"}')
    assert caught.value.code == 2
