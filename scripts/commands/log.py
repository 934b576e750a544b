"""`trueup log`: what is in the books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from cyclopts import Parameter
from msgspec import Raw, Struct

from bus import envelope, subjects
from bus.broker.port import Broker
from scripts.commands import events
from scripts.commands.exits import OK, REFUSED, USAGE, Exit
from scripts.commands.mesh import ask_body, connected, contract, contracts

Flag = Annotated[bool, Parameter(negative=())]
PAGE = 500


class Logged(Struct):
    position: int
    event: Raw


class Page(Struct):
    events: list[Logged]
    head: int


async def log(
    domain: str | None = None,
    /,
    *,
    order: Annotated[str | None, Parameter(name=["--order", "--id"])] = None,
    start: Annotated[int, Parameter(name="--from")] = 1,
    count: int | None = None,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], negative=())] = False,
    json: Flag = False,
) -> int:
    """Print a domain's events by position, or one order's life across all domains.

    For example:

    ```sh
    trueup log ordering --from 4711 --count 10
    trueup log ordering --follow
    trueup log --order o-1001
    trueup log payments --order o-1001 --json
    ```

    Exit codes: 0 printed, 1 nothing is known of that id, 2 usage, 3 unavailable,
    130 Ctrl-C.

    Parameters
    ----------
    domain
        Whose log; with --order all domains' unless named.
    order
        The id of an order, a product, …
    start
        The first position.
    count
        At most so many events.
    follow
        Go on with what is recorded from now on, until Ctrl-C.
    json
        Print position and event as JSON, one line each.
    """
    if (domain is None) == (order is None) and domain is None:
        raise Exit(USAGE, "name a domain or an --order; trueup log --help has examples.")
    names = [contract(domain).domain] if domain else list(contracts())
    async with connected() as broker:
        if order is not None:
            return await _history(broker, names, order, json)
        await _read(broker, names[0], start - 1, count, follow=follow, json=json)
    return OK


async def _history(broker: Broker, domains: list[str], id: str, json: bool) -> int:
    if not subjects.is_id(id):
        raise Exit(USAGE, f"an id is 1 to 64 letters, digits, hyphens or underscores, not {id!r}.")
    found = [
        (envelope.decode(logged.event).time, logged)
        for domain in domains
        async for page in pages(broker, subjects.log_history(domain, id), 0)
        for logged in page.events
    ]
    for _, logged in sorted(found, key=lambda pair: pair[0]):
        _print(logged, json)
    return OK if found else REFUSED


async def _read(
    broker: Broker, domain: str, after: int, count: int | None, *, follow: bool, json: bool
) -> None:
    woken = asyncio.Event()
    if follow:
        await broker.subscribe(f"evt.{domain}.>", lambda _: woken.set())
    left = count if count is not None else 2**62
    while left > 0:
        woken.clear()
        async for page in pages(broker, subjects.log_read(domain), after, left):
            for logged in page.events[:left]:
                _print(logged, json)
                after, left = logged.position, left - 1
        if not follow:
            return
        await woken.wait()


async def pages(broker: Broker, subject: str, after: int, most: int = 2**62) -> AsyncIterator[Page]:
    """Page after page up to the log's end, or until `most` events have been given."""
    while most > 0:
        body = await ask_body(broker, subject, after=after, limit=min(PAGE, most))
        page = msgspec.json.decode(body, type=Page)
        if not page.events:
            return
        yield page
        most -= len(page.events)
        after = page.events[-1].position


def _print(logged: Logged, json: bool) -> None:
    body = bytes(logged.event)
    show = events.as_json if json else events.line
    print(show(body, logged.position), flush=True)
