"""`trueup up`: in the foreground until Ctrl-C, or detached."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from bus.settings import Settings
from scripts.commands import detached
from scripts.commands.exits import OK, REFUSED, USAGE, Exit
from scripts.commands.output import say
from scripts.supervisor import discovery, screen
from scripts.supervisor.home import AlreadyRunning, Home, Run
from scripts.supervisor.part import GRACE
from scripts.supervisor.scheduling import interrupt_nobody
from scripts.supervisor.supervisor import Options, Supervisor

Port = Annotated[
    int | None,
    Parameter(env_var="TRUEUP_NATS_PORT", validator=Number(gte=1, lte=65535)),
]
Scale = Annotated[list[str] | None, Parameter(negative=())]
Flag = Annotated[bool, Parameter(negative=())]


def up(
    *, detach: Flag = False, demo: Flag = False, nats_port: Port = None, scale: Scale = None
) -> int:
    """Start servers, domains, views, the provider simulator and the metrics page, and keep
    them running.

    Ctrl-C stops everything in order; data survives. What dies is started again.

    For example:

    ```sh
    trueup up
    trueup up --detach && eval "$(trueup env)"
    trueup up --demo --nats-port 4333
    trueup up --scale ordering=2
    ```

    Exit codes: 0 stopped in order (or, detached, up and answering, also when it was up
    before), 1 running already, 2 usage, 3 something is in the way.

    Parameters
    ----------
    detach
        Return when everything answers; `trueup down` stops it.
    demo
        Add a dozen products, stock, and customers who keep buying.
    nats_port
        Where NATS listens: 4222 unless that is taken.
    scale
        Several processes of a domain, as in ordering=2.
    """
    home = Home(Settings.from_environment().home)
    options = Options(nats_port, demo, _scales(scale or []))
    if not detach:
        return asyncio.run(_foreground(home, options))
    arguments = ["--demo"] * demo + [f"--scale={word}" for word in scale or []]
    if nats_port is not None:
        arguments.append(f"--nats-port={nats_port}")
    return detached.up(home, arguments)


async def _foreground(home: Home, options: Options) -> int:
    interrupt_nobody()
    supervisor = Supervisor(home, os.environ, options, say)
    stop, hurry = _signals()
    starting = asyncio.create_task(supervisor.start())
    try:
        await _first(starting, stop)
        if starting.done():
            starting.result()
            screen.show(supervisor.run)
            sys.stdout.flush()
            await _first(asyncio.create_task(supervisor.watch()), stop)
    except AlreadyRunning as running:
        _say_running(home, running.run)
        return REFUSED
    finally:
        starting.cancel()
        with suppress(BaseException):
            await starting
        await _stop(supervisor, hurry)
    return OK


async def _first(task: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Returns when `task` or the wish to stop comes; the task is cancelled by the latter."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


async def _stop(supervisor: Supervisor, hurry: asyncio.Event) -> None:
    """In order; a second signal ends the patience."""
    orderly = asyncio.create_task(supervisor.stop(GRACE))
    hurried = asyncio.create_task(hurry.wait())
    await asyncio.wait({orderly, hurried}, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not orderly.done():
        await supervisor.stop(0)
    await orderly


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Set by the first signal to stop, and by the second."""
    first, second = asyncio.Event(), asyncio.Event()

    def told() -> None:
        if first.is_set():
            second.set()
        else:
            say("Stopping …")
        first.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told)
    return first, second


def _scales(words: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        name, _, count = word.partition("=")
        known = [*discovery.domains(), *(f"view-{view}" for view in discovery.views())]
        if name not in known or not count.isdecimal() or int(count) < 1:
            names = ", ".join(known)
            raise Exit(USAGE, f"--scale wants NAME=COUNT with one of {names}, not {word!r}.")
        found[name] = int(count)
    return found


def _say_running(home: Home, run: Run | None) -> None:
    if run is None:
        say(f"Trueup is just starting in {home.path}.")
        return
    screen.show(run, headline=screen.running_already(run))
