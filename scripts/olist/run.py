"""`trueup import olist` from its beginning to its exit code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bus.broker.port import Broker, BrokerUnavailable
from bus.clock import SystemClock
from bus.halt import Halt
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.output import print_json
from scripts.olist import report, summary
from scripts.olist.files import Files, FilesError
from scripts.olist.flights import Landed
from scripts.olist.importer import Importer, OtherImport
from scripts.sender import MeshSilent

AGAIN = "Run the same import again: it goes on from where the shop is."


async def import_orders(
    folder: Path, broker: Broker, console: Console, *, json: bool = False
) -> int:
    """Plays the data set in `folder` through the shop behind `broker`, which is open.

    Gives OK, or REFUSED where an order ended otherwise than the files say. Raises Exit.
    With `json`, progress goes to stderr and one object to stdout.
    """
    shown = Console(stderr=True) if json else console
    summary.before(shown)
    began = time.monotonic()
    landed = await _played(folder, broker, shown)
    seconds = time.monotonic() - began
    if json:
        print_json(summary.as_json(landed, seconds))
    else:
        summary.after(console, landed, seconds)
    return REFUSED if landed.surprises else OK


async def _played(folder: Path, broker: Broker, console: Console) -> Landed:
    progress = report.on(console)
    try:
        files = Files(folder)
        return await Importer(files, broker, SystemClock(), progress).run()
    except Exception as error:
        raise _exit(next(_leaves(error))) from error
    finally:
        progress.finish()


def _exit(error: Exception) -> Exception:
    """How the command ends because of `error`; what nobody expects stays as it is."""
    match error:
        case FilesError():
            return Exit(USAGE, str(error))
        case OtherImport():
            return Exit(REFUSED, str(error))
        case MeshSilent() | Halt() | BrokerUnavailable():
            return Exit(UNAVAILABLE, f"{error} {AGAIN}")
        case _:
            return error


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
