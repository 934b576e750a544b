"""The table of what a view's memory costs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

from rich.table import Table

from scripts.bench.history_costs import Asked, Found


def table(found: Mapping[str, Found]) -> Table:
    """A column for each kind of server."""
    shown = Table("", box=None)
    for name in found:
        shown.add_column(name, justify="right")
    for name, said in LINES.items():
        shown.add_row(name, *map(said, found.values()))
    return shown


def _each(total: float, count: int) -> str:
    return f"{total / max(count, 1):,.0f}"


def _asked(asked: Asked) -> str:
    ratio = asked.as_of / asked.live
    return f"{1e3 * asked.live:.2f} / {1e3 * asked.as_of:.2f} ({ratio:.1f} ×)"


LINES: Mapping[str, Callable[[Found], str]] = {
    "events/s, nothing remembered": lambda of: f"{statistics.median(of.forgetting):,.0f}",
    "events/s, remembering": lambda of: f"{statistics.median(of.remembering):,.0f}",
    "ratio": lambda of: f"{of.ratio:.2f}",
    "rows": lambda of: f"{of.costs.space.rows:,}",
    "bytes of a row": lambda of: _each(of.costs.space.bytes, of.costs.space.rows),
    "replaced rows": lambda of: f"{of.costs.space.replaced:,}",
    "bytes of a replaced row": lambda of: _each(
        of.costs.space.replaced_bytes, of.costs.space.replaced
    ),
    "get, ms: now / as of then": lambda of: _asked(of.costs.get),
    "list of 50, ms: now / as of then": lambda of: _asked(of.costs.find),
    "s to forget all": lambda of: f"{of.costs.forgotten:.2f}",
}
