"""`trueup import olist`, `trueup check olist` and `trueup check streams`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console

from scripts.commands.exits import USAGE, Exit
from scripts.commands.mesh import connected

Flag = Annotated[bool, Parameter(negative=())]

import_app = App(name="import", help="Play real orders through the living services.")


@import_app.command
async def olist(
    path: Path,
    /,
    *,
    live: Flag = False,
    at_once: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] | None = None,
    json: Flag = False,
) -> int:
    """Play the Olist data set: every order placed, paid, dispatched, delivered or cancelled.

    It can be stopped at any moment and run again: nothing is doubled.

    For example:

    ```sh
    trueup import olist ~/olist --live
    trueup import olist ~/olist --live --json > result.json
    ```

    Exit codes: 0 all went as the files say, 1 some orders ended otherwise, 2 usage or
    unreadable files, 3 unavailable.

    Parameters
    ----------
    path
        The folder with the CSV files.
    live
        Through the public commands, as customers would: the only way there is.
    at_once
        Orders that are on their way at the same time; 512 unless it is said otherwise.
    json
        Progress to stderr, and one object to stdout.
    """
    if not live:
        raise Exit(USAGE, "add --live: orders are played through the living services.")
    from scripts.olist.run import import_orders

    async with connected() as broker:
        return await import_orders(path, broker, Console(), json=json, at_once=at_once)
