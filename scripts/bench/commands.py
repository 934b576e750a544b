"""Commands a second, beside what people would use instead, on the same Postgres.

    .venv/bin/python -m scripts.bench.commands

It starts a Postgres (fsync on), a nats-server and one process of inventory of its own, and
measures in turn: Trueup's whole way over NATS; `pgbench` inserting rows one by one; the
`eventsourcing` library's own Postgres application, a thread a client. Then all of it once
more with a commit that takes longer, as on an ordinary disk.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from bus.embedded import EmbeddedError
from scripts.bench import course, machine, pgbench, report, slow_disk
from scripts.bench.course import Plan
from scripts.bench.ground import Ground, running
from scripts.bench.pgbench import NoPgbench
from scripts.bench.slow_disk import NoCompiler
from scripts.bench.spoken import Broken
from scripts.commands.output import print_json, say

CLIENTS = (1, 16, 64, 256)
Flag = Annotated[bool, Parameter(negative=())]
Positive = Number(gt=0, lte=3600)

app = App(name="commands", help="Commands a second, beside pgbench and the library.")


@app.default
def commands(
    *,
    clients: tuple[int, ...] = CLIENTS,
    seconds: Annotated[float, Parameter(validator=Positive)] = 2.0,
    rounds: Annotated[int, Parameter(validator=Positive)] = 3,
    slower_ms: Annotated[int, Parameter(validator=Number(gte=0, lte=100))] = 1,
    quick: Flag = False,
    json: Flag = False,
) -> None:
    """Measure, and print tables: medians of all rounds.

    Parameters
    ----------
    clients
        How many at once, each awaiting its answer before it sends again.
    seconds
        That count for each measurement; pgbench takes whole ones.
    rounds
        In each, everything is measured once, in turn.
    slower_ms
        How much longer a commit takes in the second half; 0 leaves that half out.
    quick
        One round of one second, with 64 clients.
    json
        Rows as JSON instead of tables.
    """
    plan = Plan(clients, seconds, min(0.5, seconds), rounds)
    if quick:
        plan = Plan((64,), 1.0, 0.3, 1)
    try:
        found = asyncio.run(_measured(plan, slower_ms))
    except (EmbeddedError, NoPgbench, NoCompiler, Broken, TimeoutError) as error:
        sys.exit(f"not measured: {error}")
    if json:
        print_json(found)
    else:
        report.show(machine.described(), found, _command())


async def _measured(plan: Plan, slower_ms: int) -> Sequence[dict[str, Any]]:
    pgbench.found()
    async with running() as ground:
        library = slow_disk.build(ground.folder, slower_ms) if slower_ms else None
        disk = "this machine's disk"
        found = [*report.rows(disk, await _on(ground, plan, disk))]
        if library is not None:
            disk = f"a commit takes {slower_ms} ms longer"
            await ground.restart_postgres(library)
            found += report.rows(disk, await _on(ground, plan, disk))
    return found


async def _on(ground: Ground, plan: Plan, disk: str) -> course.Results:
    await ground.start_service()
    try:
        return await course.run(ground, plan, lambda line: say(f"{disk}: {line}"))
    finally:
        ground.end("service")


def _command() -> str:
    return " ".join([".venv/bin/python -m scripts.bench.commands", *sys.argv[1:]])


if __name__ == "__main__":
    app()
