"""The tables: commands a second beside what people would use instead."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.bench import library, pgbench
from scripts.bench.course import AGAIN, CASES, ECHO, FIFTH, NEW, TRUEUP, Measured, Results
from scripts.bench.figures import Figure, middle

WIDTH = 180
SAID = {
    NEW: "new",
    FIFTH: "fifth: loaded",
    AGAIN: "fifth: kept",
}
OTHERS = (pgbench.DEFAULT, pgbench.PREPARED, library.DEFAULT, library.FUNCTIONS)
PARTS = ("service", "postgres", "nats", "load")


def rows(disk: str, results: Results) -> Sequence[dict[str, Any]]:
    """One for each case and number of clients: plain values, for JSON and for the tables."""
    clients = sorted({measured.clients for measured in results})
    return [_row(disk, results, case, count) for case in CASES for count in clients]


def _row(disk: str, results: Results, case: str, clients: int) -> dict[str, Any]:
    theirs = case if case == NEW else FIFTH
    ours = results[Measured(TRUEUP, case, clients)]
    others = {
        who: results[Measured(who, "" if who in pgbench.PROTOCOLS else theirs, clients)]
        for who in OTHERS
    }
    row: dict[str, Any] = {"disk": disk, "case": case, "clients": clients}
    for who, rounds in {TRUEUP: ours, **others}.items():
        row |= _figure(who, middle(rounds))
    row |= {f"x_{who}": _ratio(ours, rounds) for who, rounds in others.items()}
    busy = middle(ours).busy
    echo = middle(results[Measured(ECHO, "", clients)])
    return {
        **row,
        "cpu": {part: round(busy[part], 2) for part in PARTS},
        "echo_per_second": round(echo.per_second),
    }


def _ratio(ours: Sequence[Figure], theirs: Sequence[Figure]) -> float:
    """The median of the rounds' own: the machine's speed changes between them."""
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(our.per_second / their.per_second for our, their in pairs), 2)


def _figure(name: str, figure: Figure) -> dict[str, Any]:
    return {
        f"{name}_per_second": round(figure.per_second),
        f"{name}_p50_ms": round(figure.p50, 2),
        f"{name}_p99_ms": round(figure.p99, 2),
    }


def show(machine: str, found: Sequence[dict[str, Any]], command: str) -> None:
    console = Console(width=None if Console().is_terminal else WIDTH)
    console.print(machine)
    for disk in dict.fromkeys(row["disk"] for row in found):
        of_disk = [row for row in found if row["disk"] == disk]
        console.print(_speeds(disk, of_disk))
        console.print(_processors(of_disk))
    console.print(f"Again with: {command}", soft_wrap=True)


def _speeds(disk: str, found: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=f"Commands a second · {disk}", title_justify="left", box=None)
    table.add_column("case")
    heads = ["clients", "Trueup", "p50 ms", "p99 ms"]
    for other in OTHERS:
        heads += [other, "p50", "p99"]
    for head in (*heads, *(f"× {other}" for other in OTHERS)):
        table.add_column(head, justify="right")
    for row in found:
        cells = [SAID[row["case"]], str(row["clients"])]
        for who in (TRUEUP, *OTHERS):
            cells += [f"{row[f'{who}_per_second']:,}"]
            cells += [f"{row[f'{who}_{quantile}_ms']:.1f}" for quantile in ("p50", "p99")]
        cells += [f"{row[f'x_{who}']:.2f}" for who in OTHERS]
        table.add_row(*cells)
    return table


def _processors(found: Sequence[dict[str, Any]]) -> Table:
    title = "CPU seconds a second while Trueup was measured; the load against an echo"
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("case")
    for head in ("clients", *PARTS, "together", "echo a second"):
        table.add_column(head, justify="right")
    for row in found:
        parts = [row["cpu"][part] for part in PARTS]
        cells = [f"{part:.2f}" for part in (*parts, sum(parts))]
        table.add_row(SAID[row["case"]], str(row["clients"]), *cells, f"{row['echo_per_second']:,}")
    return table
