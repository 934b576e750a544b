"""Faults in a running shop, while those who put it right are killed: found, named, made right once.

A part of the campaign: all of it is `python -m scripts.chaos.planted`, with --kill and without.
"""

from __future__ import annotations

import re

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
    settled = SETTLED[:3]
    rules = {fault.rule for fault in (*faults, *settled)}
    many = len(faults) + len(settled)
    wrong = await planted(Plan(faults, settled, 2, len(faults), SEED, kill=True))
    printed = capsys.readouterr().out.splitlines()
    assert wrong == []
    assert any(line.startswith("balanced: ") for line in printed)
    assert any(
        line.startswith(f"{many} faults of {len(rules)} rules, all found") for line in printed
    )
    assert any(line.endswith(f"; {many - 1} compensations asked for") for line in printed)
    assert any(re.match(r"[1-9]\d* kills: ", line) for line in printed)
