"""`trueup down` and `trueup env`."""

from __future__ import annotations

import os
import shlex
import signal
import time
from contextlib import suppress

from bus.embedded import found, identity
from bus.settings import Settings
from scripts.commands.exits import OK, UNAVAILABLE, Exit
from scripts.supervisor.home import Home, end_remains
from scripts.supervisor.own import SHELL_OF

PATIENCE = 60.0
"""Seconds that a mesh may take to stop."""
LOOK = 0.1


def down() -> int:
    """Stop the mesh of TRUEUP_HOME in order; its data stays.

    For example:

    ```sh
    trueup down
    TRUEUP_HOME=/tmp/second trueup down
    ```

    Exit codes: 0 stopped, also when nothing ran; 2 usage; 3 it would not stop.
    """
    home = Home(Settings.from_environment().home)
    run = home.run()
    if not home.locked():
        if run is not None:
            end_remains(run.processes)
            home.forget()
        print(f"Nothing runs in {home.path}.")
        return OK
    pid = home.holder()
    if pid is not None:
        _end(home, *identity(pid))
    print("Trueup is down; its data stays.")
    return OK


def env() -> int:
    """Print the mesh's URLs as shell assignments.

    For example:

    ```sh
    eval "$(trueup env)"
    trueup env | grep NATS_URL
    ```

    Exit codes: 0 printed, 2 usage, 3 nothing runs in TRUEUP_HOME.
    """
    home = Home(Settings.from_environment().home)
    run = home.run()
    if run is None or not run.alive:
        raise Exit(UNAVAILABLE, f"Nothing runs in {home.path}: start it with scripts/up.")
    for name, value in {**run.urls, "TRUEUP_HOME": run.home, SHELL_OF: run.home}.items():
        print(f"export {name}={shlex.quote(value)}")
    return OK


def _end(home: Home, pid: int, started: float) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while home.locked() or found(pid, started):
        if time.monotonic() > deadline:
            raise Exit(
                UNAVAILABLE,
                f"Process {pid} does not stop: see {home.logs}, or end it with kill -9 {pid}.",
            )
        time.sleep(LOOK)
