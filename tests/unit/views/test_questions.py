"""The questions that many views are asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bus.questions import by_key, listing, ranking, totals
from bus.testing import at
from bus.testing.told import Told, told
from bus.view import UnknownKey
from domains.inventory.messages import StockReceived
from projections.stock import VIEW as STOCK

VIEW = replace(
    STOCK,
    columns={"sku": str, "available": int},
    queries=[by_key(), listing(), ranking("available"), totals(["sku"], ["available"])],
)


@pytest.fixture
async def stock() -> Told:
    received = {"tea": 5, "cup": 3, "pot": 9}
    return await told(
        VIEW, *(at(sku, StockReceived(quantity=n, note="")) for sku, n in received.items())
    )


async def test_a_row_is_found_by_its_key(stock: Told) -> None:
    assert (await stock.ask("get", "pot"))["available"] == 9
    with pytest.raises(UnknownKey):
        await stock.ask("get", "jug")


@pytest.mark.parametrize(
    ("question", "skus"), [("list", ["cup", "pot", "tea"]), ("top", ["pot", "tea", "cup"])]
)
async def test_rows_are_listed_page_by_page(stock: Told, question: str, skus: list[str]) -> None:
    first = await stock.ask(question, limit=2)
    rest = await stock.ask(question, limit=2, page=first["next"])
    assert [row["sku"] for row in first["rows"] + rest["rows"]] == skus
    assert rest["next"] is None


async def test_totals_are_counted_and_summed(stock: Told) -> None:
    assert (await stock.ask("totals"))["rows"] == [
        {"sku": "cup", "available": 3, "count": 1},
        {"sku": "pot", "available": 9, "count": 1},
        {"sku": "tea", "available": 5, "count": 1},
    ]


def test_a_question_can_have_another_name() -> None:
    named = [by_key("of"), listing("all"), ranking("available", "most"), totals([], [], "sums")]
    assert [question.name for question in named] == ["of", "all", "most", "sums"]
