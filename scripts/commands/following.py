"""How far each process is in each stream that it follows, as rows of `trueup status`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bus.lag import Lag
from bus.status import Status

Row = dict[str, Any]


def readers(told: Iterable[Status], heads: Mapping[str, int | None]) -> list[Row]:
    """One row for each process and stream. While a stream can't tell where it ends, the owner
    of the events does, by `heads`."""
    rows = [
        _row(status, domain, position, heads.get(domain))
        for status in told
        for domain, position in status.positions.items()
    ]
    return sorted(rows, key=lambda row: (row["reader"], row["of"], row["pid"]))


def _row(status: Status, domain: str, position: int, head: int | None) -> Row:
    lag = status.streams.get(domain)
    parked = lag.parked if lag else None
    return {
        "reader": status.service,
        "pid": status.pid,
        "of": domain,
        "position": lag.position if lag else position,
        "behind": _behind(lag, position, head),
        "oldest": lag.oldest if lag else None,
        "rate": lag.rate if lag else None,
        "stalled": bool(lag and lag.stalled),
        "parked": parked.events if parked else None,
    }


def _behind(lag: Lag | None, position: int, head: int | None) -> int | None:
    if lag is not None and lag.behind is not None:
        return lag.behind
    return None if head is None else max(0, head - position)
