"""The campaign's result: a row for each fault."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from scripts.chaos.campaign import Outcome

COLUMNS = ("fault", "times", "under load", "median s", "longest s")


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """By fault: how often, how often while orders were played, seconds to catch up."""
    by_fault: dict[str, list[tuple[bool, float]]] = {}
    for outcome in outcomes:
        for struck in outcome.struck:
            by_fault.setdefault(struck.fault, []).append((struck.under_load, struck.seconds))
    return [
        (
            fault,
            str(len(found)),
            str(sum(under_load for under_load, _ in found)),
            f"{median(seconds for _, seconds in found):.1f}",
            f"{max(seconds for _, seconds in found):.1f}",
        )
        for fault, found in sorted(by_fault.items())
    ]


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table(*COLUMNS, box=None)
    for row in rows(outcomes):
        table.add_row(*row)
    console.print(table)
    broken = [outcome for outcome in outcomes if outcome.broken]
    faults = sum(len(outcome.struck) for outcome in outcomes)
    console.print(
        f"{len(outcomes)} meshes, {faults} faults, {len(broken)} meshes broken", highlight=False
    )
    for outcome in broken:
        console.print(f"{outcome.scenario}: {outcome.broken} (see {outcome.kept})", soft_wrap=True)
