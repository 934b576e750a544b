"""Facts and rules at full speed: events a second, beside the largest plain view.

    .venv/bin/python -m scripts.bench.reconciling FOLDER [--rounds N]

It starts a mesh of its own, plays the orders of FOLDER through it, and when everybody is at rest
makes the rows of both anew, in turns: every event is folded into facts, and each row that is
written has been held against all rules.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from scripts.bench import machine
from scripts.bench.shop import imported, rebuilt, settled
from scripts.chaos.lookout import watching
from scripts.chaos.mesh import Broken, Mesh

PLAIN, RECONCILIATION = "orders", "reconciliation"

Count = Annotated[int, Parameter(validator=Number(gte=1))]

app = App(name="reconciling", help="Facts and rules beside the largest plain view.")


@app.default
def main(folder: Path, /, *, rounds: Count = 5) -> None:
    """Measure, and print a line a rebuild.

    Parameters
    ----------
    folder
        The orders, as for `trueup import olist`.
    rounds
        Rebuilds of each, in turns.
    """
    try:
        rates = asyncio.run(_measured(folder.resolve(), rounds))
    except Broken as error:
        sys.exit(f"not measured: {error}")
    plain, facts = (statistics.median(rates[view]) for view in (PLAIN, RECONCILIATION))
    print(
        f"medians of {rounds}: {RECONCILIATION} {facts:,.0f} events a second, {PLAIN} "
        f"{plain:,.0f}: {facts / plain:.2f} × as many; {machine.described()}"
    )


async def _measured(folder: Path, rounds: int) -> Mapping[str, Sequence[float]]:
    home = Path(tempfile.mkdtemp(prefix="trueup-reconciling-"))
    mesh = Mesh(home, {})
    rates: dict[str, list[float]] = {PLAIN: [], RECONCILIATION: []}
    try:
        await mesh.up({})
        async with watching(mesh) as lookout:
            await imported(mesh, folder)
            await settled(lookout)
        for _ in range(rounds):
            for view, found in rates.items():
                found.append(await _rate(mesh, view))
    finally:
        await mesh.down()
        shutil.rmtree(home, ignore_errors=True)
    return rates


async def _rate(mesh: Mesh, view: str) -> float:
    made = await rebuilt(mesh, view)
    rate = made.events / made.seconds
    print(
        f"{view}: {made.events:,} events in {made.seconds:.1f} s, {rate:,.0f}/s; "
        f"{made.compared:,} keys compared, {made.differing} differ",
        flush=True,
    )
    return rate


if __name__ == "__main__":
    app()
