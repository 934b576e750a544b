"""Answers of a running shop come again as of the positions they have printed; the whole is
`python -m scripts.chaos.answers FOLDER`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bus.variables import CHECKOUT

SAMPLE = Path(os.environ.get("TRUEUP_OLIST") or CHECKOUT.parent / "shared/data/olist-sample")
COMMAND = [sys.executable, "-P", "-m", "scripts.chaos.answers", str(SAMPLE)]

pytestmark = pytest.mark.skipif(
    not SAMPLE.is_dir(), reason=f"no real orders in {SAMPLE}: name their folder in TRUEUP_OLIST"
)


def test_answers_come_again_byte_for_byte_as_of_then(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--answers=200"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"[2-9]\d\d answers asked again, 0 differ", last)
