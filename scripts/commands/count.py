"""`trueup count`: what was found on the shelves."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bus.clock import SystemClock
from domains.inventory.messages import CountStock
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import connected
from scripts.commands.output import say
from scripts.counting import Counted, WrongFile, counts
from scripts.sender import MeshSilent, Sender


async def count(file: Path, /) -> int:
    """Take a stock count: a CSV file with the columns `sku` and `counted`.

    Each is held against what the books say at that moment. Where they differ, a divergence is
    told of, and inventory's books are put right: `trueup divergences`. The same file taken again
    changes nothing. Where anything in it is wrong, nothing of it is taken.

    For example:

    ```sh
    printf 'sku,counted\\ntea-1,97\\n' > hall-2.csv
    trueup count hall-2.csv
    ```

    Exit codes: 0 all were taken, 1 some were refused, 2 usage or a file that can't be read, 3
    unavailable.

    Parameters
    ----------
    file
        The CSV file; UTF-8, with a header.
    """
    try:
        found = counts(file)
    except WrongFile as error:
        raise Exit(USAGE, f"{error}") from None
    refused = await _sent(found)
    for said in refused:
        say(said)
    say(f"{len(found.rows) - len(refused)} counts taken, {len(refused)} refused.")
    return REFUSED if refused else OK


async def _sent(found: Counted) -> list[str]:
    """What was refused, and why."""
    async with connected() as broker:
        sender = Sender(broker, SystemClock())

        async def one(sku: str, counted: int) -> str:
            command = CountStock(id=sku, counted=counted, reference=found.reference)
            answer = await sender.send("inventory", command, f"count:{found.digest}:{sku}"[:64])
            return "" if answer.status == "accepted" else f"{sku}: {answer.message}"

        try:
            said = await asyncio.gather(*(one(sku, counted) for sku, counted in found.rows))
        except MeshSilent as error:
            raise Exit(UNAVAILABLE, f"{error}") from None
    return [each for each in said if each]
