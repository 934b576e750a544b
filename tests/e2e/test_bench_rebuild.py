"""The bench of a rebuild runs on a few orders, and nobody who asks meanwhile is told anything else
than before."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.terminal import module
from tests.olist_orders import write


def test_rows_are_made_anew_the_same_and_every_question_is_answered(tmp_path: Path) -> None:
    said = module("scripts.bench.rebuild", str(write(tmp_path)), "--rounds=1", home=tmp_path)

    assert said.code == 0, said.out + said.err
    round, median = said.out.splitlines()
    found = re.search(
        r"(\d+) keys compared, 0 differ; .* (\d+) questions answered, 0 wrong, 0 failed", round
    )
    assert found, round
    assert min(map(int, found.groups())) > 0
    assert median.startswith("median ")
