"""Faults in a running shop, while those who put it right are killed: found, named, made right once.

A part of the campaign: all of it is `python -m scripts.chaos.planted`, with --kill and without.
"""

from __future__ import annotations

import pytest

from scripts.chaos.faulty import FAULTS, SETTLED
from scripts.chaos.planted import Plan, planted

SOME = (
    "not-reserved",
    "shipped-not-captured",
    "money-kept-for-cancelled",
    "captured-too-much",
    "shipment-doubled",
    "reservation-and-stock-differ",
    "price-charged-differs",
)
SEED = "the same in each run"


async def test_whoever_is_killed_faults_are_made_right_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    faults = [fault for fault in FAULTS if fault.rule in SOME]
    wrong = await planted(Plan(faults, SETTLED[:3], 2, len(faults), SEED, kill=True))
    printed = capsys.readouterr().out
    assert wrong == []
    assert f"{len(faults)} faults of {len(SOME)} rules, all found" in printed
    assert f"{len(faults) - 1} compensations asked for" in printed
    assert "\nbalanced: " in printed or printed.startswith("balanced: ")
    assert " kills: " in printed
