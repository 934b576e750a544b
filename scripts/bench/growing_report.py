"""The table and the plot: each cost beside what it was when the store was small."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from scripts.bench.growing_costs import YOUNG

if TYPE_CHECKING:
    from scripts.bench.growing import Growth

WIDTH = 120


def show(found: Growth, command: str) -> None:
    console = Console(width=None if Console().is_terminal else WIDTH)
    console.print(found.machine)
    console.print("\nµs for one, as the store grows", _sizes(found), sep="\n")
    said = "\nFirst command on a SKU after a restart: loaded, decided, written"
    console.print(said, _hot(found), sep="\n")
    console.print(f"Again with: {command}", soft_wrap=True)


def _sizes(found: Growth) -> Table:
    table = Table(box=None)
    table.add_column("events in the store")
    for size in found.sizes:
        table.add_column(f"{size:,}", justify="right")
    for size in found.sizes[1:]:
        table.add_column(f"× at {size:,}", justify="right")
    for name, series in found.costs.items():
        ratios = [f"{seconds / series[0]:.2f}" for seconds in series[1:]]
        table.add_row(name, *(f"{seconds * 1e6:,.1f}" for seconds in series), *ratios)
    return table


def _hot(found: Growth) -> Table:
    table = Table(box=None)
    for head in ("SKU", "ms", f"× {YOUNG}"):
        table.add_column(head, justify="left" if head == "SKU" else "right")
    for name, seconds in found.hot.items():
        said = name.replace("many", f"{found.hot_events:,}")
        table.add_row(said, f"{seconds * 1e3:,.2f}", f"{seconds / found.hot[YOUNG]:.2f}")
    return table


def draw(found: Growth, to: Path) -> None:
    """A line for each cost; one that stays at 1 does not grow."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5.5), layout="constrained")
    for name, series in found.costs.items():
        axes.plot(found.sizes, [s / series[0] for s in series], marker="o", label=name)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("events in the store")
    axes.set_ylabel(f"cost of one, × that at {found.sizes[0]:,} events")
    axes.set_title("What a command and an event cost, as a store grows")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(to, dpi=120)
    pyplot.close(figure)
