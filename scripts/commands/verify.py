"""`trueup verify` and `trueup repaired`: whether a view's rows are what the events say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console

from bus import garbage, subjects
from bus.broker.port import Broker
from bus.clock import SystemClock
from bus.halt import Halt
from bus.store.port import StoreUnavailable
from bus.views.build import Aim
from bus.views.mending import Mending, Verified
from bus.views.port import NothingServes, Replaced, ViewStore
from bus.views.process import stores
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, Exit
from scripts.commands.mesh import ask_json, connected, settings, view, views
from scripts.commands.output import print_json, say, show
from scripts.commands.progress import Progress

Flag = Annotated[bool, Parameter(negative=())]


async def verify(name: str, /, *, repair: Flag = False, json: Flag = False) -> int:
    """Compare a view's rows with what its events say, while it serves.

    All events are folded into a shadow beside the rows, which goes again; each key is compared
    at the same positions, and each that differs is named with both rows. Views look through
    their rows by themselves all the time; this also finds what was forged so well that it fits.

    For example:

    ```sh
    trueup verify orders
    trueup verify orders --repair
    ```

    Exit codes: 0 all rows are right, 1 some differed, 2 usage, 3 unavailable.

    Parameters
    ----------
    name
        Which view.
    repair
        Put right what differs, and book it: trueup repaired shows it.
    json
        The outcome as JSON.
    """
    garbage.settle(garbage.WHOLE_STEPS)
    found = Verified()
    async with connected() as broker:
        for asked in stores(view(name), settings(), Aim.ASKED):
            found += await _looked_through(asked, broker, repair=repair)
    _tell(name, found, repair=repair, json=json)
    return REFUSED if found.differing else OK


async def repaired(name: str | None = None, /, *, json: Flag = False) -> int:
    """List the rows that views have put right, the latest first.

    For example:

    ```sh
    trueup repaired
    trueup repaired orders --json
    ```

    Exit codes: 0 done, 2 usage, 3 unavailable.

    Parameters
    ----------
    name
        A view; all of them unless named.
    json
        JSON, with what was there and what is right.
    """
    names = [view(name).name] if name else sorted(views())
    async with connected() as broker:
        rows = [row for one in names for row in await _booked(broker, one)]
    if json or rows:
        show(rows, ["at", "view", "build", "key", "positions"], json=json)
    else:
        say("Nothing had to be put right.")
    return OK


async def _booked(broker: Broker, name: str) -> list[Mapping[str, Any]]:
    answer = await ask_json(broker, subjects.repaired_list(name))
    if answer["more"]:
        say(f"{name}: the latest {len(answer['repaired'])}; {answer['more']} more were put right.")
    return list(answer["repaired"])


async def _looked_through(asked: ViewStore, broker: Broker, *, repair: bool) -> Verified:
    """Raises Exit."""
    try:
        await asked.open()
        await _check_version(asked)
        return await _verified(asked, broker, repair=repair)
    except (StoreUnavailable, NothingServes) as error:
        raise Exit(UNAVAILABLE, f"{error}.") from None
    except Halt as error:
        raise Exit(REFUSED, f"{error}.") from None
    finally:
        await asked.close()


async def _check_version(asked: ViewStore) -> None:
    """Raises Replaced where what serves was made by another version of the view."""
    builds = await asked.builds()
    if any(b.stage.value == "serving" and b.version != asked.view.version for b in builds):
        raise Replaced(asked.view)


async def _verified(asked: ViewStore, broker: Broker, *, repair: bool) -> Verified:
    state = await asked.state()
    total = sum(place.position for place in state.checkpoints.values())
    mending = Mending(asked, broker, SystemClock())
    with Progress(f"verify {asked.view.name}", "events", Console(stderr=True)) as progress:
        return await mending.all(repair=repair, told=lambda done: progress.at(done, total))


def _tell(name: str, found: Verified, *, repair: bool, json: bool) -> None:
    differing = [
        {"key": key, "there": _plain(there), "right": _plain(right)}
        for key, (there, right) in sorted(found.differing.items())
    ]
    if json:
        print_json(
            {
                "view": name,
                "compared": found.compared,
                "differing": differing,
                "positions": found.positions,
                "repaired": len(found.repaired),
            }
        )
        return
    if differing:
        show(differing, ["key", "there", "right"], json=False)
    at = ", ".join(f"{domain}={n}" for domain, n in sorted(found.positions.items()))
    done = f", {len(found.repaired)} put right" if repair else ""
    print(f"{found.compared:,} keys compared at {at}: {len(differing)} differ{done}")


def _plain(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
