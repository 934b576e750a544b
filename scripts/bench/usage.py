"""Who used the processors while something was measured."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

import psutil


class Usage:
    """CPU seconds of `parts` and their children, from now on.

    A child that has come and gone in between is counted by what its parent has waited for.
    """

    def __init__(self, parts: Mapping[str, psutil.Process]) -> None:
        self._parts = dict(parts)
        self._began = time.perf_counter()
        self._before = {name: _seconds(part) for name, part in self._parts.items()}

    def busy(self) -> Mapping[str, float]:
        """CPU seconds a second of wall time, by part."""
        took = time.perf_counter() - self._began
        return {
            name: max(0.0, _seconds(part) - self._before[name]) / took
            for name, part in self._parts.items()
        }


def _seconds(process: psutil.Process) -> float:
    """Of the process and all its descendants, as far as they still live."""
    total = 0.0
    with suppress(psutil.Error):
        waited = process.cpu_times()
        total += waited.children_user + waited.children_system
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                times = each.cpu_times()
                total += times.user + times.system
    return total
