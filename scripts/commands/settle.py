"""`trueup settle`: what the payment provider says that it took and paid back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rich.console import Console

from bus.clock import SystemClock
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import connected
from scripts.commands.output import say
from scripts.commands.progress import Progress
from scripts.sender import MeshSilent
from scripts.settlement.columns import moment
from scripts.settlement.file import Reported, WrongFile, reported
from scripts.settlement.settler import Settled, Settler

SHOWN = 20
"""Refusals that are printed one by one."""


async def settle(file: Path, /, *, since: str | None = None, until: str | None = None) -> int:
    """Take the provider's settlement report: a CSV file, one movement of money a line.

    Its columns are `movement`, `time`, `order`, `payment`, `reference`, `kind`, `amount` and
    `currency`: the provider's own id of the movement, when it was, the order and the number of its
    payment, the provider's name for the authorisation or settlement, `captured` or `refunded`, and
    an amount in minor units.

    It is held against payments' books, order by order, where no money has moved since. Where they
    differ, a divergence is told of, and payments' books follow the provider: `trueup divergences`.
    A movement counts once, in whichever file it is. Where anything in the file is wrong, nothing of
    it is taken.

    For example:

    ```sh
    now=$(date -u +%FT%TZ)
    curl -o settlement.csv "$TRUEUP_PROVIDER_URL/settlement-report?until=$now"
    trueup settle settlement.csv --until "$now"
    ```

    Exit codes: 0 all was taken, 1 some was refused, 2 usage or a file that can't be read, 3
    unavailable.

    Parameters
    ----------
    file
        The CSV file; UTF-8, with a header.
    since
        When the report begins, where not all that is older has been taken already. Orders whose
        money moved before that are held against it once there is a report of that time, too.
    until
        When the report ends. Without it, the latest time in the file.
    """
    clock = SystemClock()
    begins, ends = _time("--since", since), _time("--until", until)
    if ends is not None and ends > clock.now():
        raise Exit(USAGE, f"--until {until} is still to come.")
    try:
        found = reported(file, ends, clock.now())
    except WrongFile as error:
        raise Exit(USAGE, f"{error}") from None
    ends = ends or found.latest
    if begins is not None and begins > ends:
        raise Exit(USAGE, f"--since {since} is later than the end of the report.")
    settled = await _settled(found, begins, ends)
    _tell(found, settled)
    return REFUSED if settled.refused else OK


def _time(option: str, value: str | None) -> datetime | None:
    if value is None:
        return None
    if (time := moment(value)) is None:
        raise Exit(USAGE, f"{option} {value} is no time with a zone, like 2026-01-31T23:59:59Z.")
    return time


async def _settled(found: Reported, since: datetime | None, until: datetime) -> Settled:
    async with connected() as broker:
        settler = Settler(broker, SystemClock(), since, until)
        with Progress("settle", "orders", Console(stderr=True)) as progress:
            try:
                return await settler.settle(found.orders, progress.at)
            except MeshSilent as error:
                raise Exit(UNAVAILABLE, f"{error}") from None


def _tell(found: Reported, settled: Settled) -> None:
    for said in settled.refused[:SHOWN]:
        say(said)
    if (more := len(settled.refused) - SHOWN) > 0:
        say(f"… and {more:,} more.")
    say(
        f"{found.movements:,} movements of {len(found.orders):,} orders, and none of "
        f"{settled.absent:,} whose money has moved here: news of {settled.news:,} orders, "
        f"{len(settled.refused):,} refused."
    )
