"""Rows of a running shop are corrupted and put right; the whole is
`python -m scripts.chaos.corruptions FOLDER`."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.sample import SAMPLE, needs_sample
from tests.e2e.terminal import module

pytestmark = needs_sample


def test_every_corruption_is_found_and_put_right(tmp_path: Path) -> None:
    # How quickly is for the whole campaign to say: other tests may keep the machine busy here.
    words = (str(SAMPLE), "--corruptions=16", "--within=60")
    said = module("scripts.chaos.corruptions", *words, home=tmp_path)

    assert said.code == 0, said.out + said.err
    assert "16 corruptions, all repaired: " in said.out
    assert said.out.endswith(" 0 violations\n")
