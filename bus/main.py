"""How every process of the mesh runs: settings, logs, patience with its servers, signals."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog
import uvloop

from bus import garbage
from bus.broker.port import BrokerUnavailable
from bus.observe import log_to_stderr
from bus.settings import Settings, SettingsError
from bus.store.port import StoreUnavailable

PATIENCE = 0.5
"""Seconds between attempts to start while a server can't be reached."""
USAGE = 2
"""Exit code where the environment is wrong."""

log = structlog.get_logger()


class Running(Protocol):
    """A process from its start to its end."""

    async def start(self) -> None:
        """Raises StoreUnavailable or BrokerUnavailable, having let go of everything."""

    async def wait(self) -> None:
        """Raises what has brought the process down; else never returns."""

    async def stop(self) -> None: ...


def run_until_stopped(name: str, build: Callable[[Settings], Running]) -> None:
    """Runs what `build` gives until SIGTERM or SIGINT; exits with 2 on bad settings."""
    try:
        settings = Settings.from_environment()
        log_to_stderr(name, settings.log)
        uvloop.run(_run(lambda: build(settings)))
    except SettingsError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(USAGE)


async def _run(build: Callable[[], Running]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    running = await _started(build, stopped)
    if running is None:
        return
    garbage.settle()
    log.info("started")
    ends = [asyncio.create_task(stopped.wait()), asyncio.create_task(running.wait())]
    done, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await running.stop()
    log.info("stopped")
    for task in done:
        task.result()


async def _started(build: Callable[[], Running], stopped: asyncio.Event) -> Running | None:
    """What has been started, however long its servers take; None if stopped before."""
    while not stopped.is_set():
        running = build()
        try:
            await running.start()
        except (StoreUnavailable, BrokerUnavailable) as error:
            log.warning("waiting", reason=str(error))
        else:
            return running
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await stopped.wait()
    return None
