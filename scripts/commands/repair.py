"""`trueup repair`: makes a domain's stream again from its store."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bus.broker.port import Broker, StreamMissing, StreamState
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import connected, contract, settings
from scripts.commands.output import say
from scripts.supervisor.home import Home
from scripts.told import head

Flag = Annotated[bool, Parameter(negative=())]
PATIENCE = 120.0
"""Seconds that the stream may take to be whole again."""


async def repair(domain: str, /, *, yes: Flag = False) -> int:
    """Make a domain's stream again from its store: the store is right, the stream a copy.

    Needed only where a domain has stopped because store and stream differ: somebody has
    restored an old backup, or written around the relay. If the store is the one that is
    old, restore a newer backup instead. What the stream holds is saved to a file first.

    For example:

    ```sh
    trueup repair ordering
    trueup repair ordering --yes
    ```

    Exit codes: 0 store and stream are equal again, 1 not confirmed, 2 usage, 3 unavailable.

    Parameters
    ----------
    domain
        Whose stream.
    yes
        Don't ask.
    """
    contract(domain)
    async with connected() as broker:
        store = await head(broker, domain)
        if store is None:
            raise Exit(UNAVAILABLE, f"{domain} does not answer: start it first.")
        try:
            state = await broker.stream_state(domain)
        except StreamMissing:
            state = StreamState(1, 0)
        say(f"{domain}'s store ends at {store}, its stream at {state.last}.")
        if not yes and not _confirmed(domain):
            return REFUSED
        if state.first <= state.last:
            say(f"saved to {await _save(broker, domain, state)}")
        await broker.delete_stream(domain)
        _restart(domain)
        await _whole(broker, domain)
    return OK


def _confirmed(domain: str) -> bool:
    if not sys.stdin.isatty():
        raise Exit(USAGE, "nobody can be asked here: add --yes to make the stream again.")
    return input(f"Delete stream {domain.upper()} and fill it from the store? [y/N] ") in ("y", "Y")


async def _save(broker: Broker, domain: str, state: StreamState) -> Path:
    """One event a line, after its number; a later look may want it."""
    folder = settings().home / "repairs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{domain}-{datetime.now(UTC):%Y%m%d-%H%M%S}.tsv"
    with path.open("wb") as file:
        async for batch in broker.read_stream(domain, state.first - 1):
            for message in batch:
                file.write(b"%d\t%s\n" % (message.sequence, message.body))
            if not batch or batch[-1].sequence >= state.last:
                break
    return path


def _restart(domain: str) -> None:
    """A domain that has stopped relaying looks again when it starts."""
    run = Home(settings().home).run()
    local = [p for p in run.processes if p.kind == "domain"] if run and run.alive else []
    for process in local:
        if process.pid is not None and process.name.split("-")[0] == domain:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
    if not local:
        say(f"now start the processes of {domain} again, wherever they run")


async def _whole(broker: Broker, domain: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        store = await head(broker, domain)
        with suppress(StreamMissing):
            state = await broker.stream_state(domain)
            if store is not None and state.last == store:
                say(f"stream {domain.upper()} holds {store} events again, as the store does")
                return
        await asyncio.sleep(0.2)
    raise Exit(UNAVAILABLE, f"stream {domain.upper()} is not whole yet: see trueup status.")
