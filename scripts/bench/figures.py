"""What a run has measured, and the middle of several."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct


class Run(Struct, frozen=True):
    """`seconds` that counted, each latency in seconds, and the CPU seconds of whoever
    sent the load meanwhile; `declined` are the latencies of answers that put the sender off, and
    `accepted` counts the others, also those of the time that doesn't count."""

    seconds: float
    latencies: Sequence[float]
    cpu: float
    declined: Sequence[float] = ()
    accepted: int = 0


class Pace(NamedTuple):
    """`clients` at once, each awaiting its answer; `seconds` count, after `warm_up` that don't."""

    clients: int
    seconds: float
    warm_up: float


class Figure(NamedTuple):
    """Latencies in milliseconds; `busy` is the CPU seconds of each part a second; `declined`
    are the answers a second that put the sender off, `declined_p50` their latency.
    `accepted` as in Run."""

    per_second: float
    p50: float
    p99: float
    busy: Mapping[str, float]
    longest: float = 0.0
    declined: float = 0.0
    declined_p50: float = 0.0
    accepted: int = 0


def figure(run: Run, busy: Mapping[str, float]) -> Figure:
    ordered = sorted(run.latencies)
    if not ordered:
        raise RuntimeError("nothing was answered in the time that counts: take more --seconds")
    return Figure(
        len(ordered) / run.seconds,
        statistics.median(ordered) * 1000,
        ordered[int(len(ordered) * 0.99)] * 1000,
        {**busy, "load": run.cpu / run.seconds},
        ordered[-1] * 1000,
        len(run.declined) / run.seconds,
        statistics.median(run.declined) * 1000 if run.declined else 0.0,
        run.accepted,
    )


def middle(rounds: Sequence[Figure]) -> Figure:
    """The median of each number."""
    return Figure(
        statistics.median(f.per_second for f in rounds),
        statistics.median(f.p50 for f in rounds),
        statistics.median(f.p99 for f in rounds),
        {part: statistics.median(f.busy[part] for f in rounds) for part in rounds[0].busy},
        statistics.median(f.longest for f in rounds),
        statistics.median(f.declined for f in rounds),
        statistics.median(f.declined_p50 for f in rounds),
    )
