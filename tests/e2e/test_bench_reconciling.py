"""The bench of facts and rules runs on a few orders."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.terminal import module
from tests.olist_orders import write


def test_facts_are_made_anew_beside_a_plain_view(tmp_path: Path) -> None:
    said = module("scripts.bench.reconciling", str(write(tmp_path)), "--rounds=1", home=tmp_path)

    assert said.code == 0, said.out + said.err
    plain, facts, medians = said.out.splitlines()
    for name, round in (("orders", plain), ("reconciliation", facts)):
        found = re.match(rf"{name}: (\d+) events in .*; (\d+) keys compared, 0 differ", round)
        assert found, round
        assert min(map(int, found.groups())) > 0
    assert medians.startswith("medians of 1: ")
