"""Processes that outlive a server that was killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil


def child_processes(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def processes_marked(mark: str) -> list[psutil.Process]:
    """Those with `mark` in their command line."""
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if any(mark in word for word in p.info["cmdline"] or ())]


def kill_all(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
