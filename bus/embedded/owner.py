"""Which process runs the server of a folder, and who started it: a note in the folder.

A process is its pid and its start time, because pids are used again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

import psutil

NOTE = "server.json"
DRIFT = 2.0
"""Seconds by which the start time of one and the same process may seem to differ: it is
reckoned from the machine's boot, which moves when its clock is set."""


def note(folder: Path, pid: int) -> None:
    """Remembers `pid` as the server of `folder`, and this process as its owner."""
    text = json.dumps({"server": identity(pid), "owner": identity(os.getpid())})
    partial = folder / (NOTE + ".partial")
    partial.write_text(text)
    partial.replace(folder / NOTE)


def forget(folder: Path) -> None:
    (folder / NOTE).unlink(missing_ok=True)


def living(folder: Path) -> int | None:
    """The pid of another living process that runs a living server in `folder`."""
    server, owner = _read(folder, "server"), _read(folder, "owner")
    if server is None or owner is None or owner.pid == os.getpid():
        return None
    return owner.pid


def end_orphan(folder: Path, stop_signal: signal.Signals, patience: float) -> None:
    """Stops a server whose owner died without taking it along; `patience` in seconds."""
    server = _read(folder, "server")
    if server is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            server.send_signal(stop_signal)
            try:
                server.wait(patience)
            except psutil.TimeoutExpired:
                server.kill()
                server.wait(patience)
    forget(folder)


def identity(pid: int) -> tuple[int, float]:
    """The process `pid`, told apart from a later one that has its pid."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return pid, psutil.Process(pid).create_time()
    return pid, 0.0


def found(pid: int, started: float) -> psutil.Process | None:
    """The process with that identity, if it still lives. A zombie does not."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < DRIFT
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _read(folder: Path, which: str) -> psutil.Process | None:
    """The process noted, if it still lives."""
    try:
        pid, started = json.loads((folder / NOTE).read_text())[which]
        return found(int(pid), float(started))
    except (OSError, ValueError, KeyError, TypeError):
        return None
