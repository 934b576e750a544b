"""The bench of a domain under pressure, for a moment: that it runs, and that nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from bus.variables import CHECKOUT

COMMAND = [sys.executable, "-P", "-m", "scripts.bench.pressure", "--seconds", "0.5", "--json"]


def test_under_pressure_as_many_events_are_there_as_commands_were_accepted(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=240,
    )

    # The bench itself compares: it would have failed.
    assert done.returncode == 0, done.stderr.decode()
    rows = {row["case"]: row for row in msgspec.json.decode(done.stdout)}
    assert len(rows) == 7
    assert all(row["accepted_per_second"] > 0 for row in rows.values())
    hot = rows["one SKU, two processes"]
    assert hot["conflicts"] > 0, "two processes on one SKU must get into each other's way"
    put_off = {name for name, row in rows.items() if row["put_off_per_second"]}
    # Those who wait as they are told may all have been put off before the time that counts.
    assert put_off - {"more than it takes"} == {"the same, senders don't wait"}
