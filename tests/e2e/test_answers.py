"""Answers of a running shop come again as of the positions they have printed; the whole is
`python -m scripts.chaos.answers FOLDER`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.sample import SAMPLE, needs_sample
from tests.e2e.terminal import module

pytestmark = needs_sample


def test_answers_come_again_byte_for_byte_as_of_then(tmp_path: Path) -> None:
    said = module("scripts.chaos.answers", str(SAMPLE), "--answers=200", home=tmp_path)

    assert said.code == 0, said.out + said.err
    last = said.out.splitlines()[-1]
    assert re.fullmatch(r"[2-9]\d\d answers asked again, 0 differ", last)
