"""The bench of a growing store, on a few events: that it runs, and what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from bus.variables import CHECKOUT

COMMAND = [
    *(sys.executable, "-P", "-m", "scripts.bench.growing"),
    *("--events", "1000", "--events", "3000", "--hot", "2000", "--times", "1", "--json"),
]


def test_the_bench_grows_a_store_and_measures_at_each_size(tmp_path: Path) -> None:
    plot = tmp_path / "growing.png"
    done = subprocess.run(
        [*COMMAND, "--plot", str(plot)],
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    rows = msgspec.json.decode(done.stdout)
    assert all(row["seconds"] > 0 for row in rows)
    sizes: dict[str, list[int]] = {}
    for row in rows:
        sizes.setdefault(row["cost"], []).append(row["events"])
    assert list(sizes.values()) == [[1000, 3000]] * 9 + [[2000]] * 3
    assert plot.read_bytes().startswith(b"\x89PNG")
