"""What a run has measured, and the middle of several."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct


class Run(Struct, frozen=True):
    """`seconds` that counted, each latency in seconds, and the CPU seconds of whoever
    sent the load meanwhile."""

    seconds: float
    latencies: Sequence[float]
    cpu: float


class Pace(NamedTuple):
    """`clients` at once, each awaiting its answer; `seconds` count, after `warm_up` that don't."""

    clients: int
    seconds: float
    warm_up: float


class Figure(NamedTuple):
    """Latencies in milliseconds; `busy` is the CPU seconds of each part a second."""

    per_second: float
    p50: float
    p99: float
    busy: Mapping[str, float]


def figure(run: Run, busy: Mapping[str, float]) -> Figure:
    ordered = sorted(run.latencies)
    if not ordered:
        raise RuntimeError("nothing was answered in the time that counts: take more --seconds")
    return Figure(
        len(ordered) / run.seconds,
        statistics.median(ordered) * 1000,
        ordered[int(len(ordered) * 0.99)] * 1000,
        {**busy, "load": run.cpu / run.seconds},
    )


def middle(rounds: Sequence[Figure]) -> Figure:
    """The median of each number."""
    return Figure(
        statistics.median(f.per_second for f in rounds),
        statistics.median(f.p50 for f in rounds),
        statistics.median(f.p99 for f in rounds),
        {part: statistics.median(f.busy[part] for f in rounds) for part in rounds[0].busy},
    )
