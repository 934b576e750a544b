"""Rows of a running shop are corrupted and put right; the whole is
`python -m scripts.chaos.corruptions FOLDER`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.variables import CHECKOUT

SAMPLE = Path(os.environ.get("TRUEUP_OLIST") or CHECKOUT.parent / "shared/data/olist-sample")
PATIENCE = 60
COMMAND = [sys.executable, "-P", "-m", "scripts.chaos.corruptions", str(SAMPLE)]

pytestmark = pytest.mark.skipif(
    not SAMPLE.is_dir(), reason=f"no real orders in {SAMPLE}: name their folder in TRUEUP_OLIST"
)


def test_every_corruption_is_found_and_put_right(tmp_path: Path) -> None:
    # How quickly is for the whole campaign to say: other tests may keep the machine busy here.
    done = subprocess.run(
        [*COMMAND, "--corruptions=24", f"--within={PATIENCE}"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "24 corruptions, all repaired: " in done.stdout
    assert done.stdout.endswith(" 0 violations\n")
