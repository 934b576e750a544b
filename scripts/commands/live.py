"""`trueup live`: rows of a view as they change."""

from __future__ import annotations

import asyncio

import msgspec

from bus import subjects
from bus.broker.port import Request
from bus.views.telling import LIVE_ROW
from scripts.commands.exits import OK, USAGE, Exit
from scripts.commands.mesh import connected
from scripts.commands.output import say


async def live(view: str, key: str | None = None, /, *, count: int | None = None) -> int:
    """Print a row of a view, and again whenever it changes, until Ctrl-C.

    One line of JSON each; null where there is no row, or none any more. Without a key: each row of
    the view that changes, with its key.

    For example:

    ```sh
    trueup live orders o-1001
    trueup live stock tea-1 | jq --unbuffered .available
    trueup live orders
    ```

    Exit codes: 0 ended, 2 usage, 3 unavailable, 130 Ctrl-C.

    Parameters
    ----------
    view
        Its name, as in orders.
    key
        Of the row; all rows unless named.
    count
        End after so many.
    """
    for token in (view, key or "*"):
        if token != "*" and not subjects.is_token(token):
            raise Exit(USAGE, f"{token!r} can't be part of a subject.")
    told: asyncio.Queue[Request] = asyncio.Queue()
    async with connected() as broker:
        subject = subjects.live(view, key or "*")
        await broker.subscribe(subject, told.put_nowait)
        say(f"listening to {subject}")
        printed = 0
        while count is None or printed < count:
            printed += _print(await told.get(), whole=key is not None)
    return OK


def _print(message: Request, *, whole: bool) -> bool:
    """Whether it is a row: anybody may publish there."""
    if LIVE_ROW not in message.headers:
        say("something that is no row")
        return False
    if whole:
        print(message.body.decode(), flush=True)
    else:
        row = {"key": message.subject.split(".")[2], "row": msgspec.Raw(message.body)}
        print(msgspec.json.encode(row).decode(), flush=True)
    return True
