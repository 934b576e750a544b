"""The bench of commands, with a load that takes no time: that it runs, and what it says."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from bus.variables import CHECKOUT

COMMAND = [
    *(sys.executable, "-P", "-m", "scripts.bench.commands"),
    *("--clients", "2", "--seconds", "0.3", "--rounds", "1", "--json"),
]


def test_the_bench_measures_everything_on_a_fast_and_on_a_slow_disk() -> None:
    done = subprocess.run(
        COMMAND,
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    rows = msgspec.json.decode(done.stdout)
    assert [(row["disk"], row["case"]) for row in rows] == [
        (disk, case)
        for disk in ("this machine's disk", "a commit takes 1 ms longer")
        for case in ("new", "fifth", "again")
    ]
    for row in rows:
        for who in ("trueup", "pgbench", "prepared", "library", "functions"):
            assert row[f"{who}_per_second"] > 0
            assert 0 < row[f"{who}_p50_ms"] <= row[f"{who}_p99_ms"]
        if row["disk"] == "a commit takes 1 ms longer":
            assert row["pgbench_p50_ms"] > 1
