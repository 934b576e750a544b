"""A supervisor that outlives the command that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bus.variables import CHECKOUT
from scripts.commands.exits import OK, UNAVAILABLE, Exit
from scripts.supervisor import screen
from scripts.supervisor.home import Home, Run

PATIENCE = 150.0
"""Seconds that somebody else's start is waited for."""
LOOK = 0.1
"""Seconds between looks at what it has noted."""


def up(home: Home, arguments: list[str]) -> int:
    """Starts `trueup up` with `arguments` on its own and returns when everything answers."""
    home.make()
    if home.locked():
        return _running_already(home)
    log = home.logs / "supervisor.log"
    with log.open("ab") as output:
        begin = output.tell()
        process = _spawn(home, arguments, output.fileno())
    try:
        run = _ready(home, process)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if run is None:
        words = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
        raise Exit(process.wait(), words[-1] if words else f"the start has failed: see {log}")
    screen.show(run)
    return OK


def _spawn(home: Home, arguments: list[str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "scripts.cli", "up", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        cwd=CHECKOUT,
        env={**os.environ, "TRUEUP_HOME": str(home.path)},
    )


def _ready(home: Home, process: subprocess.Popen[bytes]) -> Run | None:
    """What the process has noted when everything answered; None if it has ended."""
    while process.poll() is None:
        run = home.run()
        if run is not None and run.supervisor[0] == process.pid and run.state == "ready":
            return run
        time.sleep(LOOK)
    return None


def _running_already(home: Home) -> int:
    """Waits for a start that is under way."""
    deadline = time.monotonic() + PATIENCE
    while home.locked() and time.monotonic() < deadline:
        run = home.run()
        if run is not None and run.state == "ready":
            screen.show(run, headline=screen.running_already(run))
            return OK
        time.sleep(LOOK)
    raise Exit(
        UNAVAILABLE,
        f"Process {home.holder()} has {home.path}, but is not up: see {home.logs}, or stop it "
        "with scripts/trueup down.",
    )
