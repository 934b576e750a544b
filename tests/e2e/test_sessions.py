"""Sessions read what they have written while processes are killed; the whole is
`python -m scripts.chaos.sessions`."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.terminal import module


def test_nobody_misses_a_write_of_his_own_or_goes_back(tmp_path: Path) -> None:
    said = module("scripts.chaos.sessions", "--sessions=300", home=tmp_path)

    assert said.code == 0, said.out + said.err
    assert said.out.startswith("300 sessions, 1,200 reads of what they had written, ")
    assert said.out.endswith(" 0 violations\n")
