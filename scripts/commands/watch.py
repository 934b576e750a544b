"""`trueup watch`: events as they happen."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from cyclopts import Parameter

from bus import subjects
from bus.broker.port import Request
from scripts.commands import events
from scripts.commands.exits import OK, USAGE, Exit
from scripts.commands.mesh import connected
from scripts.commands.output import say

Flag = Annotated[bool, Parameter(negative=())]
BUFFER = 10_000
"""Events that wait to be printed; beyond that some are left out, and it says so."""


async def watch(
    id: str | None = None,
    /,
    *,
    domain: str = "*",
    event: str = "*",
    count: int | None = None,
    json: Flag = False,
) -> int:
    """Print events as they are published, until Ctrl-C.

    It is for eyes: after a repair an event may pass twice. `trueup log` reads the books.

    For example:

    ```sh
    trueup watch
    trueup watch o-1001
    trueup watch --domain payments
    trueup watch --event OrderCancelled --json | jq .data.cause
    ```

    Exit codes: 0 ended, 2 usage, 3 unavailable, 130 Ctrl-C.

    Parameters
    ----------
    id
        Only of this order, product, …
    domain
        Only of this domain.
    event
        Only of this type.
    count
        End after so many.
    json
        Print each event as it is, one line each.
    """
    for token in (domain, event, id or "*"):
        if token != "*" and not subjects.is_id(token):
            raise Exit(USAGE, f"{token!r} can't be part of a subject.")
    queue: asyncio.Queue[bytes] = asyncio.Queue(BUFFER)
    lost = 0

    def take(message: Request) -> None:
        nonlocal lost
        try:
            queue.put_nowait(message.body)
        except asyncio.QueueFull:
            lost += 1

    async with connected() as broker:
        subject = subjects.event(domain, "*", id or "*", event)
        await broker.subscribe(subject, take)
        say(f"watching {subject}")
        printed = 0
        while count is None or printed < count:
            _print(await queue.get(), json)
            printed += 1
            if lost:
                say(f"{lost} events left out: too many to print")
                lost = 0
    return OK


def _print(body: bytes, json: bool) -> None:
    try:
        print(events.as_json(body) if json else events.line(body), flush=True)
    except msgspec.MsgspecError:
        say("something that is no event")
