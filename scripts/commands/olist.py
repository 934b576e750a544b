"""`trueup import olist`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console

from scripts.commands.mesh import connected

Flag = Annotated[bool, Parameter(negative=())]

import_app = App(name="import", help="Take real orders in: as what was, or live.")


@import_app.command
async def olist(
    path: Path,
    /,
    *,
    live: Flag = False,
    at_once: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] | None = None,
    json: Flag = False,
) -> int:
    """Record the Olist data set as the past that it is, or play it through the living services.

    Without --live every order is remembered as it was, one fact a domain, whether or not its books
    agree: nobody reacts and nobody is charged. With --live every order is placed, paid, dispatched,
    delivered or cancelled. Both can be stopped at any moment and run again: nothing is doubled.

    For example:

    ```sh
    trueup import olist ~/olist
    trueup import olist ~/olist --live
    trueup import olist ~/olist --live --json > result.json
    ```

    Exit codes: 0 all went as the files say, 1 some orders ended otherwise or were turned down,
    2 usage or unreadable files, 3 unavailable.

    Parameters
    ----------
    path
        The folder with the CSV files.
    live
        Through the public commands, as customers would.
    at_once
        Orders that are on their way at the same time; 512 unless it is said otherwise.
    json
        Progress to stderr, and one object to stdout.
    """
    from scripts.olist.run import import_orders, record_history

    take_in = import_orders if live else record_history
    async with connected() as broker:
        return await take_in(path, broker, Console(), json=json, at_once=at_once)
