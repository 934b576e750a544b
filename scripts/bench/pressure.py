"""A domain under pressure: two processes on one hot SKU, and more load than it can take.

    .venv/bin/python -m scripts.bench.pressure

It starts a Postgres (fsync on), a nats-server and one or two processes of inventory of its
own. Each row ends in a proof: there are as many events as commands were accepted.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import psutil
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.table import Table

from bus import status
from bus.embedded import EmbeddedError
from scripts.bench import machine, trueup
from scripts.bench.figures import Figure, Pace
from scripts.bench.ground import DOMAIN, READY, Ground, running
from scripts.bench.spoken import Broken
from scripts.bench.whole_usage import peak
from scripts.commands.output import print_json, say
from scripts.supervisor import health

WINDOW = 2.0
"""Seconds in which every process must say what it has counted."""
WIDTH = 130
Flag = Annotated[bool, Parameter(negative=())]

app = App(name="pressure", help="A domain under pressure: hot aggregates, overload.")


class Case(NamedTuple):
    name: str
    processes: int
    clients: int
    hot: bool = False
    hasty: bool = False


CASES = (
    Case("many SKUs", 1, 64),
    Case("many SKUs, two processes", 2, 64),
    Case("one SKU", 1, 64, hot=True),
    Case("one SKU, two processes", 2, 64, hot=True),
    Case("as much as it takes", 1, 4096),
    Case("more than it takes", 1, 8192),
    Case("the same, senders don't wait", 1, 8192, hasty=True),
)


@app.default
def pressure(
    *,
    seconds: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = 5.0,
    json: Flag = False,
) -> None:
    """Measure each case once, and print a table.

    Parameters
    ----------
    seconds
        That count for each case.
    json
        Rows as JSON instead of the table.
    """
    try:
        rows = asyncio.run(_measured(seconds))
    except (EmbeddedError, Broken, TimeoutError) as error:
        sys.exit(f"not measured: {error or 'no answer in time'}")
    if json:
        print_json(rows)
    else:
        command = " ".join([".venv/bin/python -m scripts.bench.pressure", *sys.argv[1:]])
        _show(rows, command)


async def _measured(seconds: float) -> Sequence[dict[str, Any]]:
    found = []
    async with running() as ground:
        for case in CASES:
            say(case.name)
            found.append(await _case(ground, case, seconds))
    return found


async def _case(ground: Ground, case: Case, seconds: float) -> dict[str, Any]:
    names = [f"service-{number}" for number in range(1, case.processes + 1)]
    for name in names:
        await ground.start_service(name)
    try:
        pace = Pace(case.clients, seconds, min(0.5, seconds))
        ids = trueup.new_ids(seconds + pace.warm_up)
        if case.hot:
            ids = [ids[0]] * len(ids)
        await _counts(ground, case.processes)  # then all are there
        before = await _written(ground)
        figure = await trueup.measure_pressed(ground, ids, pace, names, hasty=case.hasty)
        events = await _written(ground) - before
        if events != figure.accepted:
            raise Broken(f"{case.name}: {figure.accepted} accepted, {events} events")
        counts = await _counts(ground, case.processes)
        memory = max(_peak(ground.processes()[name]) for name in names)
        return _row(case, figure, counts, memory)
    finally:
        for name in names:
            ground.end(name)


def _row(case: Case, figure: Figure, counts: Mapping[str, int], memory: int) -> dict[str, Any]:
    return {
        "case": case.name,
        "processes": case.processes,
        "clients": case.clients,
        "accepted_per_second": round(figure.per_second),
        "p50_ms": round(figure.p50, 1),
        "p99_ms": round(figure.p99, 1),
        "longest_ms": round(figure.longest, 1),
        "put_off_per_second": round(figure.declined),
        "put_off_p50_ms": round(figure.declined_p50, 1),
        **counts,
        "peak_mb": round(memory / 1e6),
    }


async def _written(ground: Ground) -> int:
    store = trueup.store(ground)
    await store.open()
    try:
        return (await store.head()).position
    finally:
        await store.close()


async def _counts(ground: Ground, processes: int) -> Counter[str]:
    """What all processes have counted, once all of them answer. Raises TimeoutError."""
    client = await health.connected(ground.nats.url)
    said: Sequence[bytes] = ()
    try:
        async with asyncio.timeout(READY):
            while len(said) < processes:
                said = await health.gathered(
                    client, status.subject(DOMAIN), WINDOW, lambda bodies: len(bodies) == processes
                )
    finally:
        await client.close()
    counts: Counter[str] = Counter()
    for body in said:
        counts.update(msgspec.json.decode(body, type=status.Status).counts)
    return counts


def _peak(root: psutil.Process) -> int:
    return max(map(peak, [root, *root.children(recursive=True)]))


def _show(rows: Sequence[dict[str, Any]], command: str) -> None:
    console = Console(width=None if Console().is_terminal else WIDTH, highlight=False)
    console.print(machine.described())
    table = Table(box=None)
    table.add_column("case")
    heads = [name for name in rows[0] if name not in ("case", "processes")]
    for head in heads:
        table.add_column(head.replace("_per_second", "/s").replace("_", " "), justify="right")
    for row in rows:
        table.add_row(row["case"], *(f"{row[head]:,}" for head in heads))
    console.print(table)
    console.print(f"Again with: {command}", soft_wrap=True)


if __name__ == "__main__":
    app()
