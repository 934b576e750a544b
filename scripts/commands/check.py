"""`trueup check`: holds the mesh's books against each other and against the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console

from bus.broker.port import BrokerUnavailable
from bus.store.port import StoreUnavailable
from bus.store.postgres import PostgresStore
from scripts.check_streams import Compared, compare
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, Exit
from scripts.commands.mesh import connected, contract, contracts, settings
from scripts.commands.output import show

WAIT = 120.0
Flag = Annotated[bool, Parameter(negative=())]
COLUMNS = ["domain", "events", "compared", "trimmed", "differing", "chain", "equal"]

app = App(name="check", help="Hold books against each other; every difference is shown.")


@app.command
async def streams(*domains: str, json: Flag = False) -> int:
    """Prove that each stream is its store: every position, every byte, the hash chain.

    Reads the stores' databases directly.

    For example:

    ```sh
    trueup check streams
    trueup check streams ordering payments --json
    ```

    Exit codes: 0 equal, 1 differences, 2 usage, 3 unavailable.

    Parameters
    ----------
    domains
        Which; all unless named.
    json
        JSON, with the positions that differ.
    """
    names = [contract(domain).domain for domain in domains] or list(contracts())
    try:
        found = await _compared(names)
    except (StoreUnavailable, BrokerUnavailable) as error:
        raise Exit(UNAVAILABLE, f"{error}.") from error
    show([_row(one, json) for one in found], COLUMNS, json=json)
    return OK if all(one.equal for one in found) else REFUSED


@app.command
async def olist(
    path: Path, /, *, history: Flag = False, json: Flag = False, wait: float = WAIT
) -> int:
    """Compare what the Olist files say must have come out of an import with what the shop says.

    After an import with --live it asks the views and the services. With --history it reads the
    facts of the past in the streams, and what reconciliation has found in them: rule by rule what
    the files themselves don't agree on, to the order and the cent, and how much of it is still
    open. Changes nothing.

    Examples:

    ```sh
    trueup check olist ~/olist
    trueup check olist ~/olist --history
    trueup check olist ~/olist --json | jq '.books[] | select(.differing != [])'
    ```

    Exit codes: 0 every difference is zero, 1 differences (as long as not all is found that is to
    be found, too), 2 usage or unreadable files, 3 unavailable.

    Parameters
    ----------
    path
        The folder with the CSV files.
    history
        After an import without --live: each order's lines, payments, parcels and times, and each
        divergence of them.
    json
        One object, with every difference.
    wait
        Seconds that the mesh gets to come to rest first; nothing waits with --history.
    """
    from scripts.olist.run import check_history, check_orders

    async with connected() as broker:
        if history:
            return await check_history(path, broker, Console(), json=json)
        return await check_orders(path, broker, Console(), json=json, wait=wait)


def _row(one: Compared, positions: bool) -> dict[str, Any]:
    differing = {} if positions else {"differing": len(one.differing)}
    return {**asdict(one), "events": one.head, "equal": one.equal, **differing}


async def _compared(domains: Sequence[str]) -> Sequence[Compared]:
    known = settings()
    async with connected() as broker:
        found = []
        for domain in domains:
            store = PostgresStore(known.database_url(domain))
            await store.open()
            try:
                found.append(await compare(domain, store, broker))
            finally:
                await store.close()
        return found
