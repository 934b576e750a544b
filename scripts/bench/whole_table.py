"""The table of a whole shop at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from scripts.bench.whole import Whole

WIDTH = 120


def show(found: Whole, command: str) -> None:
    console = Console(
        width=None if Console().is_terminal else WIDTH, highlight=False, soft_wrap=True
    )
    console.print(found.machine)
    console.print(
        f"{found.orders:,} orders in {found.seconds:.1f} s: {found.orders / found.seconds:.0f}/s; "
        f"{found.events:,} events, {found.events / found.orders:.1f} an order, "
        f"{found.events / found.seconds:,.0f}/s"
    )
    console.print(_processes(found))
    nats = found.used["nats-server"]
    console.print(f"nats-server: {nats.peak / found.events:.0f} MB a million events, at its peak")
    for verdict in found.verdicts:
        console.print(verdict)
    if found.hot:
        console.print(_hot(found))
    console.print(f"Again with: {command}")


def _processes(found: Whole) -> Table:
    table = Table("process", box=None)
    for name in ("CPU s", "CPU s a second", "µs an order", "peak MB"):
        table.add_column(name, justify="right")
    for name, used in found.used.items():
        table.add_row(
            name,
            f"{used.cpu:.1f}",
            f"{used.cpu / found.seconds:.2f}",
            f"{1e6 * used.cpu / found.orders:,.0f}",
            f"{used.peak / 1e6:,.0f}",
        )
    return table


def _hot(found: Whole) -> Table:
    table = Table("process", "its busiest functions, without what they call", box=None)
    for name, functions in found.hot.items():
        said = (f"{hot.percent:.0f} % {hot.function}" for hot in functions)
        table.add_row(name, "; ".join(said))
    return table
