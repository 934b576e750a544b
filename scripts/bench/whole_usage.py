"""What each process of a mesh has used: processor time, and memory at its peak."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from msgspec import Struct

from scripts.supervisor.home import ProcessState


class Used(Struct, frozen=True):
    """`cpu` in seconds; `peak` in bytes, of the process itself or, with children, of all."""

    cpu: float
    peak: int


class Watch:
    """Counts from when it is made. No process may end meanwhile: its time would be lost."""

    def __init__(self, processes: Sequence[ProcessState]) -> None:
        self._roots = {p.name: psutil.Process(p.pid) for p in processes if p.pid is not None}
        self._before = {name: _cpu(root) for name, root in self._roots.items()}

    def used(self) -> dict[str, Used]:
        return {
            name: Used(_cpu(root) - self._before[name], sum(map(peak, _family(root))))
            for name, root in self._roots.items()
        }


def _family(root: psutil.Process) -> list[psutil.Process]:
    """A process that runs behind a wrapper counts with it, and a server with its backends."""
    return [root, *root.children(recursive=True)]


def _cpu(root: psutil.Process) -> float:
    total = root.cpu_times().children_user + root.cpu_times().children_system
    for process in _family(root):
        with suppress(psutil.NoSuchProcess):
            total += process.cpu_times().user + process.cpu_times().system
    return total


def peak(process: psutil.Process) -> int:
    """The most resident memory so far, shared pages left out where the system tells them
    apart: a server's backends all map the same."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        with suppress(psutil.NoSuchProcess):
            return int(process.memory_info().rss)
        return 0
    sizes = {name: value for name, _, value in (s.partition(":") for s in status.splitlines())}
    kilobytes = int(sizes["VmHWM"].split()[0]) - int(sizes["RssShmem"].split()[0])
    return 1024 * kilobytes
