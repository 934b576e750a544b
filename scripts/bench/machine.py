"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from bus.embedded import nats, postgres


def described() -> str:
    """One line: processors, memory bus aside; versions of what takes part."""
    cores = os.cpu_count() or 1
    versions = [_version(postgres.binary("postgres")), _version(nats.binary())]
    python = f"Python {platform.python_version()}"
    return f"{cores} × {_processor()}; {', '.join([*versions, python])}; fsync on"


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        for line in cpus.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def _version(binary: Path) -> str:
    done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().replace(" (PostgreSQL)", "").replace(":", "")
