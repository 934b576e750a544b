"""Shows what was measured, with the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil
from rich.table import Table

from scripts.bench.views_ground import Timed

PROCESSES = {
    "worker": "worker",
    "postgres": "Postgres",
    "nats-server": "NATS",
    "valkey-server": "Valkey",
}


def table(medians: Mapping[str, Timed], base: str) -> Table:
    """Ratios are to the row `base`; behind them is the CPU time that each process took."""
    shown = Table(caption="CPU in microseconds an event", caption_justify="left")
    shown.add_column("view")
    for name in ("events", "events/s", "ratio", *(f"{name}" for name in PROCESSES.values())):
        shown.add_column(name, justify="right")
    for name, one in medians.items():
        ratio = one.per_second / medians[base].per_second
        cpu = [f"{1e6 * one.cpu[process] / one.events:,.1f}" for process in PROCESSES]
        shown.add_row(name, f"{one.events:,}", f"{one.per_second:,.0f}", f"{ratio:,.1f} ×", *cpu)
    return shown


def machine() -> str:
    """The processor, how many of it, and memory."""
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
