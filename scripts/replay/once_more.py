"""A stretch of a domain's history, printed or sent, with how far it is."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from rich.console import Console

from bus.broker.port import BrokerUnavailable
from bus.halt import Halt
from bus.owner import Delivered, OwnerSilent
from scripts.commands import events
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, Exit
from scripts.commands.mesh import connected, contract
from scripts.commands.output import say, terminal
from scripts.commands.progress import Progress
from scripts.replay import words
from scripts.replay.history import History
from scripts.replay.pace import Pace
from scripts.replay.sending import Broken, Sending


class Asked(NamedTuple):
    """`end` None: up to what is there now; `into` None: printed; `speed` None: at once."""

    domain: str
    start: int
    end: int | None
    into: str | None
    speed: float | None
    json: bool


async def run(asked: Asked) -> int:
    """Raises Exit."""
    of = contract(asked.domain)
    subject = None if asked.into is None else words.subject(asked.into)
    async with connected() as broker:
        history = History(broker, of, told=lambda reason: say(f"trueup: {reason}"))
        try:
            stretch = words.stretch(asked.start, asked.end, await history.head(), asked.domain)
            turns = Pace(asked.speed).turns(history.of(stretch))
            if subject is None:
                await _print(turns, asked.json)
            else:
                sending = Sending(broker, asked.domain, subject)
                await send(sending, stretch, turns, Console(stderr=True))
        except (OwnerSilent, BrokerUnavailable) as error:
            raise Exit(UNAVAILABLE, f"{error}: see trueup status.") from None
        except Halt as error:
            raise Exit(REFUSED, f"{error}.") from None
    return OK


async def send(
    sending: Sending,
    stretch: range,
    turns: AsyncIterator[Sequence[Delivered]],
    console: Console,
) -> None:
    """Raises Exit, with where to go on, when the connection breaks."""
    with Progress(f"replay into {sending.subject}", "events", console) as progress:
        try:
            async for run in turns:
                await sending.send(run)
                progress.at(sending.position - stretch.start + 1, len(stretch))
        except Broken as broken:
            after = broken.position or stretch.start - 1
            raise Exit(
                UNAVAILABLE,
                f"{broken}. Up to {after} all was sent, what follows perhaps: go on with "
                f"--from {after + 1}.",
            ) from None


async def _print(turns: AsyncIterator[Sequence[Delivered]], json: bool) -> None:
    show = events.as_json if json else events.line
    flushed = terminal()
    async for run in turns:
        for event in run:
            print(show(event.body, event.position), flush=flushed)
        sys.stdout.flush()
