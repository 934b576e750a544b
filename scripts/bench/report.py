"""The tables: commands a second beside what people would use instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.bench import library
from scripts.bench.course import AGAIN, CASES, ECHO, FIFTH, NEW, PGBENCH, TRUEUP, Measured, Results
from scripts.bench.figures import Figure

WIDTH = 150
SAID = {
    NEW: "new",
    FIFTH: "fifth: loaded",
    AGAIN: "fifth: kept",
}
PARTS = ("service", "postgres", "nats", "load")


def rows(disk: str, results: Results) -> Sequence[dict[str, Any]]:
    """One for each case and number of clients: plain values, for JSON and for the tables."""
    clients = sorted({measured.clients for measured in results})
    return [_row(disk, results, case, count) for case in CASES for count in clients]


def _row(disk: str, results: Results, case: str, clients: int) -> dict[str, Any]:
    ours = results[Measured(TRUEUP, case, clients)]
    theirs = case if case == NEW else FIFTH
    others = {
        "pgbench": results[Measured(PGBENCH, "", clients)],
        "library": results[Measured(library.DEFAULT, theirs, clients)],
        "functions": results[Measured(library.FUNCTIONS, theirs, clients)],
    }
    echo = results[Measured(ECHO, "", clients)]
    return {
        "disk": disk,
        "case": case,
        "clients": clients,
        **_figure("trueup", ours),
        **{
            key: value
            for name, other in others.items()
            for key, value in _figure(name, other).items()
        },
        **{f"x_{name}": round(ours.per_second / o.per_second, 2) for name, o in others.items()},
        "cpu": {part: round(ours.busy[part], 2) for part in PARTS},
        "echo_per_second": round(echo.per_second),
    }


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
    for other in ("pgbench", "library", "functions"):
        heads += [other, "p50", "p99"]
    for head in (*heads, "× pgbench", "× library", "× functions"):
        table.add_column(head, justify="right")
    for row in found:
        cells = [SAID[row["case"]], str(row["clients"])]
        for who in ("trueup", "pgbench", "library", "functions"):
            cells += [f"{row[f'{who}_per_second']:,}"]
            cells += [f"{row[f'{who}_{quantile}_ms']:.1f}" for quantile in ("p50", "p99")]
        cells += [f"{row[f'x_{who}']:.2f}" for who in ("pgbench", "library", "functions")]
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
