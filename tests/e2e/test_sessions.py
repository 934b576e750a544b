"""Sessions read what they have written while processes are killed; the whole is
`python -m scripts.chaos.sessions`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bus.variables import CHECKOUT

COMMAND = [sys.executable, "-P", "-m", "scripts.chaos.sessions", "--sessions=600"]


def test_nobody_misses_a_write_of_his_own_or_goes_back(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("600 sessions, 2,400 reads of what they had written, ")
    assert done.stdout.endswith(" 0 violations\n")
