"""Whether a command and an event cost the same however much has happened before.

    .venv/bin/python -m scripts.bench.growing

It starts a Postgres of its own (as shipped, fsync on), fills a store of inventory's to each
size, and measures what a process does all day: in turn on all of them, so that whatever
else the machine does meanwhile is shared alike.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import structlog
from cyclopts import App, Parameter
from cyclopts.validators import Number
from msgspec import Struct

from bus.embedded import EmbeddedError, PostgresServer
from bus.store.postgres import PostgresStore
from scripts.bench import growing_costs, growing_fill, growing_report, machine
from scripts.bench.growing_costs import COSTS, Sized
from scripts.commands.output import print_json, say

EVENTS = (100_000, 1_000_000, 10_000_000)
Flag = Annotated[bool, Parameter(negative=())]
Count = Annotated[int, Parameter(validator=Number(gte=100))]

app = App(name="growing", help="Costs as a store grows.")


class Growth(Struct):
    """Seconds for each cost, by size; and for a hot SKU that has `hot_events`."""

    machine: str
    sizes: list[int]
    costs: dict[str, list[float]]
    hot_events: int
    hot: dict[str, float]


@app.default
def growing(
    *,
    events: tuple[Count, ...] = EVENTS,
    hot: Count = 100_000,
    times: Annotated[int, Parameter(validator=Number(gte=1))] | None = None,
    plot: Path | None = None,
    json: Flag = False,
) -> None:
    """Fill, measure, print a table and draw a plot.

    Parameters
    ----------
    events
        The sizes, from small to large.
    hot
        Events of the SKU that is in every order.
    times
        How often each is done; by default 5 to 40 times.
    plot
        Where to write the PNG.
    json
        Seconds as JSON instead of a table.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        found = asyncio.run(_measured(sorted(events), hot, times))
    except EmbeddedError as error:
        sys.exit(f"not measured: {error}")
    if plot is not None:
        growing_report.draw(found, plot)
    if json:
        print_json(_plain(found))
    else:
        growing_report.show(found, _command())


async def _measured(sizes: list[int], hot: int, times: int | None) -> Growth:
    folder = Path(tempfile.mkdtemp(prefix="trueup-bench-"))
    postgres = PostgresServer(folder / "postgres")
    await postgres.start()
    try:
        stores = [await _filled(postgres, size) for size in sizes]
        costs = {name: await growing_costs.measured(name, stores, times, say) for name in COSTS}
        say(f"one SKU with {hot:,} events …")
        await growing_fill.heat(stores[-1].url, hot)
        compared = await growing_costs.hot(stores[-1])
        for sized in stores:
            await sized.store.close()
        return Growth(machine.described(), sizes, costs, hot, compared)
    finally:
        await postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _filled(postgres: PostgresServer, size: int) -> Sized:
    say(f"filling to {size:,} events …")
    url = await postgres.database(f"inventory_{size}")
    store = PostgresStore(url)
    await store.open()
    began = time.perf_counter()
    skus = await growing_fill.grow(url, size)
    say(f"filled in {time.perf_counter() - began:.0f} s")
    return Sized(url, store, size, skus)


def _plain(found: Growth) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"cost": name, "events": size, "seconds": seconds}
        for name, series in found.costs.items()
        for size, seconds in zip(found.sizes, series, strict=True)
    ]
    aged = [
        {"cost": name, "events": found.hot_events, "seconds": seconds}
        for name, seconds in found.hot.items()
    ]
    return [*rows, *aged]


def _command() -> str:
    return " ".join([".venv/bin/python -m scripts.bench.growing", *sys.argv[1:]])


if __name__ == "__main__":
    app()
