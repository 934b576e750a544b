"""`trueup bench`: how fast this mesh is, on this machine."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from bus.broker.port import BrokerUnavailable, NoResponders
from scripts.bench.running import CLIENTS, Refused, measure
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, Exit
from scripts.commands.mesh import connected
from scripts.commands.output import say, show

Flag = Annotated[bool, Parameter(negative=())]
COLUMNS = ["clients", "accepted", "seconds", "per_second", "median_ms", "p99_ms"]


async def bench(
    *,
    clients: tuple[int, ...] = CLIENTS,
    seconds: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = 5.0,
    json: Flag = False,
) -> int:
    """Send commands to the running mesh as fast as it answers, and count.

    It receives stock for products named bench-…; use a mesh of its own (TRUEUP_HOME).

    For example:

    ```sh
    trueup bench
    trueup bench --clients 1 --clients 256 --seconds 10 --json
    ```

    Exit codes: 0 measured, 1 a command was refused, 2 usage, 3 unavailable.

    Parameters
    ----------
    clients
        How many at once, each awaiting its answer before it sends again.
    seconds
        For each number of clients.
    json
        JSON also on a terminal.
    """
    rows = []
    async with connected() as broker:
        for count in clients:
            say(f"{count} clients, {seconds:g} s …")
            try:
                rows.append((await measure(broker, count, seconds))._asdict())
            except (BrokerUnavailable, NoResponders) as error:
                raise Exit(UNAVAILABLE, f"inventory does not answer: {error}") from error
            except Refused as error:
                raise Exit(REFUSED, str(error)) from error
    show(rows, COLUMNS, json=json)
    return OK
