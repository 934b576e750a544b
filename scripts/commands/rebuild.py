"""`trueup rebuild`: makes a view's rows anew while the old ones are asked."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console

from bus import garbage
from bus.broker.port import Broker
from bus.halt import Halt
from bus.store.port import StoreUnavailable
from bus.views.build import Aim, Build, Stage
from bus.views.port import NothingKept, NothingServes, ViewStore
from bus.views.process import stores
from bus.views.rebuild import Rebuild, Report
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import connected, settings, view
from scripts.commands.output import print_json
from scripts.commands.progress import Progress

Flag = Annotated[bool, Parameter(negative=())]


async def rebuild(
    name: str, /, *, fresh: Flag = False, back: Flag = False, json: Flag = False
) -> int:
    """Make a view's rows anew from the first event on, while queries are answered from the old.

    When the new rows have caught up, each key is compared with the old one at the same
    positions, and they take over in one moment. The old ones are kept for a day
    (TRUEUP_KEPT_HOURS). Broken off, it goes on where it was when it is started again.

    Rows of a new version of the view are made in the same way: they take over when its process
    starts.

    For example:

    ```sh
    trueup rebuild orders
    trueup rebuild orders --fresh
    trueup rebuild orders --back
    ```

    Exit codes: 0 done, 1 done, but rows differed, 2 usage, 3 unavailable.

    Parameters
    ----------
    name
        Which view.
    fresh
        Drop what an earlier attempt has made and begin with the first event.
    back
        Return to the rows that were asked before: they catch up and take over.
    json
        The outcome as JSON.
    """
    if fresh and back:
        raise Exit(USAGE, "--fresh and --back exclude each other.")
    aim = Aim.AFRESH if fresh else Aim.BACK if back else Aim.REBUILD
    of = view(name)
    making, asking = (stores(of, settings(), one) for one in (aim, Aim.ASKED))
    garbage.settle(garbage.WHOLE_STEPS)
    async with connected() as broker:
        each = [await _made(*both, broker) for both in zip(making, asking, strict=True)]
    made = Made(reduce(add, (one.report for one in each)), each[0].before, each[0].after)
    _tell(name, made, json=json)
    return REFUSED if made.report.differing else OK


class Made(NamedTuple):
    """What was done, and which build served before and afterwards."""

    report: Report
    before: Build
    after: Build


async def _made(made: ViewStore, asked: ViewStore, broker: Broker) -> Made:
    """Of one partition. Raises Exit."""
    try:
        await asked.open()
        await made.open()
        before = await _serving(made)
        report = await _run(made, asked, broker)
        return Made(report, before, await _serving(made))
    except (StoreUnavailable, NothingServes) as error:
        raise Exit(UNAVAILABLE, f"{error}.") from None
    except (Halt, NothingKept) as error:
        raise Exit(REFUSED, f"{error}.") from None
    finally:
        await made.close()
        await asked.close()


async def _run(made: ViewStore, asked: ViewStore, broker: Broker) -> Report:
    with Progress(f"rebuild {made.view.name}", "events", Console(stderr=True)) as progress:
        return await Rebuild(
            made, asked, broker, told=lambda report: progress.at(report.done, report.total)
        ).run()


async def _serving(store: ViewStore) -> Build:
    return next(build for build in await store.builds() if build.stage is Stage.SERVING)


def _tell(name: str, made: Made, *, json: bool) -> None:
    report, before, after = made
    at = ", ".join(f"{domain}={n}" for domain, n in sorted(report.positions.items()))
    if json:
        print_json(
            {
                "view": name,
                "build": after.number,
                "events": report.done,
                "seconds": round(report.seconds, 2),
                "compared": report.compared,
                "differing": report.differing,
                "examples": report.examples,
                "took_over": report.took_over,
                "handing_over": round(report.handing_over, 4),
                "positions": report.positions,
            }
        )
        return
    if report.compared is not None:
        names = f": {', '.join(report.examples)}" if report.examples else ""
        compared = f"{report.compared:,} keys compared at the same positions"
        print(f"{compared}, {report.differing} differ{names}")
    if not report.took_over:
        print(
            f"version {before.version} still serves: start the view's process with this version, "
            "and it takes over within a moment"
        )
        return
    print(f"build {after.number} of {name} has taken over at {at}")
    if after.number != before.number:
        kept = f"build {before.number} is kept for a time"
        print(f"{kept}: trueup rebuild {name} --back returns to it")
