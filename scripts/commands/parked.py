"""`trueup parked` and `trueup retry`: events that a reaction or a view could not take."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from bus import subjects
from bus.broker.port import Broker
from scripts.commands.exits import OK, REFUSED
from scripts.commands.mesh import ask_json, connected, contracts, settings
from scripts.commands.output import say, show
from scripts.supervisor import health

Flag = Annotated[bool, Parameter(negative=())]
COLUMNS = ["owner", "reader", "key", "position", "attempts", "since", "reason"]


async def parked(owner: str | None = None, /, *, json: Flag = False) -> int:
    """List the events that wait because a reaction or a view has failed on them.

    Only their own keys wait; everything else goes on.

    For example:

    ```sh
    trueup parked
    trueup parked ordering --json
    ```

    Exit codes: 0 nothing is parked, 1 something is, 2 usage, 3 unavailable.

    Parameters
    ----------
    owner
        A domain or a view; all of them unless named.
    json
        JSON, with the events.
    """
    async with connected() as broker:
        rows = [
            {"owner": name, **row}
            for name in ([owner] if owner else await owners())
            for row in await listed(broker, name)
        ]
    if json or rows:
        show(rows, COLUMNS, json=json)
    else:
        say("Nothing is parked.")
    return REFUSED if rows else OK


async def retry(owner: str, key: str | None = None, /, *, json: Flag = False) -> int:
    """Try parked events again, in order.

    For example:

    ```sh
    trueup retry ordering
    trueup retry orders order/o-1001
    ```

    Exit codes: 0 all were taken, 1 some wait still, 2 usage, 3 unavailable.

    Parameters
    ----------
    owner
        The domain or the view that parked them.
    key
        Only this key, as `trueup parked` shows it.
    json
        JSON also on a terminal.
    """
    question = {} if key is None else {"key": key}
    async with connected() as broker:
        answer = await ask_json(broker, subjects.parked_retry(owner), **question)
    show([answer], ["retried", "failed"], json=json)
    return REFUSED if answer["failed"] else OK


async def listed(broker: Broker, owner: str) -> list[dict[str, Any]]:
    return list((await ask_json(broker, subjects.parked_list(owner)))["parked"])


async def owners() -> list[str]:
    """Everybody who answers and may park: domains, and views by their own names."""
    client = await health.connected(settings().nats_url)
    try:
        names = await health.answering(client)
    finally:
        await client.close()
    return sorted(n.removeprefix("view-") for n in names if n in contracts() or n[:5] == "view-")
