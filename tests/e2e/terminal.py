"""The command line in a test: as a process, or quicker in this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from bus.variables import CHECKOUT
from scripts.cli import main

TRUEUP = str(CHECKOUT / "scripts" / "trueup")
PATIENCE = 120
"""Seconds that a command may take."""
LONG = 240
"""Seconds that a small part of a campaign may take."""


class Said(NamedTuple):
    code: int
    out: str
    err: str


def environment(home: Path, **more: str) -> dict[str, str]:
    """With nothing of this test run's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TRUEUP_HOME": str(home), **more}


def run(words: Sequence[str], told: Mapping[str, str], stdin: str = "") -> Said:
    """In this process: `words` are those after `trueup`."""
    out, err = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    with (
        patch.dict(os.environ, told, clear=True),
        patch("sys.stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code: object = 0
        try:
            main(words)
        except SystemExit as end:
            code = end.code
    return Said(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def spawn(words: Sequence[str], told: Mapping[str, str]) -> Said:
    """As a process of its own, from a folder that has nothing to do with the checkout."""
    done = subprocess.run(
        [TRUEUP, *words],
        cwd="/",
        env=told,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def module(name: str, *words: str, home: Path) -> Said:
    """`python -m <name>`, as a process of its own in the checkout."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", name, *words],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)
