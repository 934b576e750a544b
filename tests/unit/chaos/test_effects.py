"""What several views show of an order as of one cut fits together, or is told."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.chaos.effects import Seen, uncaused

LINE = {"sku": "tea-1", "quantity": 2}


def order(state: str = "confirmed", parcel: str = "planned", **more: Any) -> dict[str, Any]:
    plain = {"total": 2900, "cancelled": 0, "lines": [LINE], "parcels": [{"state": parcel}]}
    return {"state": state, **plain, **more}


def payments(answer: str = "authorized", captured: int = 0, amount: int = 2900) -> dict[str, Any]:
    return {"payments": [{"answer": answer, "captured": captured, "amount": amount}]}


def seen(**more: Any) -> Seen:
    stock = {"tea-1": {"reserved": 2, "shipped": 0}}
    return Seen("o-1", order(), payments(), stock, {"tea-1": 2})._replace(**more)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"order": None, "payments": None, "stock": {}, "sold": {}},
        {"order": order("placed"), "payments": None, "sold": {}},
        {"order": order("awaiting_payment"), "payments": payments("pending"), "sold": {}},
        {"order": order("shipped", "dispatched"), "payments": payments(captured=2900)},
        {"order": order("delivered", cancelled=2900), "stock": {}, "sold": {}},
    ],
)
def test_effects_that_stand_with_their_causes_are_nothing_to_tell(more: dict[str, Any]) -> None:
    assert list(uncaused(seen(**more))) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"order": None, "sold": {}}, "there is no such order"),
        ({"order": order("placed")}, "does not want any yet"),
        ({"payments": payments(captured=1)}, "no parcel has left"),
        ({"payments": None}, "its payments are not there"),
        ({"payments": payments("pending")}, "not all of its payments are secured"),
        ({"stock": {}, "sold": {}}, "its 2 of tea-1 are not reserved"),
        ({"sold": {"tea-1": 3}}, "3 of tea-1 are sold, but only 2 reserved or shipped"),
    ],
)
def test_an_effect_without_its_cause_is_told(more: dict[str, Any], told: str) -> None:
    (sentence,) = uncaused(seen(**more))
    assert told in sentence
