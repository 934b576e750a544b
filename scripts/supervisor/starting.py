"""Waits until everything answers that has just been started."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nats.aio.client import Client

from bus.embedded.port import HOST
from scripts.supervisor import health
from scripts.supervisor.logfile import last_lines
from scripts.supervisor.part import Part
from scripts.supervisor.process import Process
from scripts.supervisor.trouble import Trouble
from scripts.supervisor.watch import services

PATIENCE = 90.0
"""Seconds until everything must answer after a start."""
TRIES = 4
"""Quick ends of one process after which a start is given up."""
LOOK = 0.05
"""Seconds between looks at who listens: nothing tells."""


async def all_answer(parts: Sequence[Part], client: Client, logs: Path) -> Sequence[str]:
    """The names of those that are still on their way: views, which may be built from the first
    event on. Nothing else may take so long. Raises Trouble, which says where the reason is."""
    expected = services(parts)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        silent = expected - await health.answering(client, expected)
        deaf = [] if silent else [part.name for part in parts if not await _listens(part)]
        missing = sorted([*silent, *deaf])
        if not missing:
            return []
        for part in parts:
            if isinstance(part, Process) and part.failures >= TRIES:
                raise _ended_again(part)
        if loop.time() > deadline:
            if any(not name.startswith("view-") for name in missing):
                raise Trouble(f"No answer from {', '.join(missing)}: the reason is in {logs}.")
            return missing
        if deaf:
            await asyncio.sleep(LOOK)


async def _listens(part: Part) -> bool:
    """Whether it does where it should, if it should anywhere."""
    if not isinstance(part, Process) or part.port is None:
        return True
    with suppress(OSError):
        _, writer = await asyncio.open_connection(HOST, part.port)
        writer.close()
        return True
    return False


def _ended_again(part: Process) -> Trouble:
    words = next(reversed(last_lines(part.log.path, 1)), "no words")
    return Trouble(f"{part.name} ends again and again: {words.strip()} (see {part.log.path})")
