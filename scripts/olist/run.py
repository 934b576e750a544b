"""`trueup import olist` and `trueup check olist` from their beginning to their exit code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from bus.broker.port import Broker, BrokerUnavailable
from bus.clock import SystemClock
from bus.halt import Halt
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.output import print_json
from scripts.olist import history_check, remembered, report, sides, summary
from scripts.olist.actual import NoAnswer
from scripts.olist.checking import Check
from scripts.olist.files import Files, FilesError
from scripts.olist.flights import WINDOW
from scripts.olist.history_check import Found, HistoryCheck
from scripts.olist.importer import Importer, OtherImport
from scripts.olist.recording import Recorder
from scripts.olist.rest import at_rest
from scripts.olist.sides import Section
from scripts.sender import MeshSilent

AGAIN = "Run the same import again: it goes on from where the shop is."


async def import_orders(
    folder: Path,
    broker: Broker,
    console: Console,
    *,
    json: bool = False,
    at_once: int | None = None,
) -> int:
    """Plays the data set in `folder` through the shop behind `broker`, which is open.

    Gives OK, or REFUSED where an order ended otherwise than the files say. Raises Exit.
    With `json`, progress goes to stderr and one object to stdout. `at_once` are the orders that
    are on their way at a time, WINDOW unless given.
    """
    shown = Console(stderr=True) if json else console
    summary.before(shown)
    progress = report.on(shown)
    began = time.monotonic()
    try:
        with _exits(AGAIN):
            landed = await Importer(
                Files(folder), broker, SystemClock(), progress, at_once or WINDOW
            ).run()
    finally:
        progress.finish()
    seconds = time.monotonic() - began
    if json:
        print_json(summary.as_json(landed, seconds))
    else:
        summary.after(console, landed, seconds)
    return REFUSED if landed.surprises else OK


async def record_history(
    folder: Path,
    broker: Broker,
    console: Console,
    *,
    json: bool = False,
    at_once: int | None = None,
) -> int:
    """Records the data set in `folder` as the past of the shop behind `broker`, which is open.

    Gives OK, or REFUSED where a domain turned a fact down. Raises Exit. `json` and `at_once` are as
    for `import_orders`.
    """
    progress = report.on(Console(stderr=True) if json else console)
    began = time.monotonic()
    try:
        with _exits(AGAIN):
            found = await Recorder(
                Files(folder), broker, SystemClock(), progress, at_once or WINDOW
            ).run()
    finally:
        progress.finish()
    seconds = time.monotonic() - began
    if json:
        print_json(remembered.as_json(found, seconds))
    else:
        remembered.show(console, found, seconds)
    return REFUSED if found.refused else OK


async def check_orders(
    folder: Path, broker: Broker, console: Console, *, json: bool = False, wait: float
) -> int:
    """Holds the shop behind `broker` against the data set in `folder`.

    Gives OK, or REFUSED where anything differs. Raises Exit. Waits until the shop is at rest,
    at most `wait` seconds.
    """
    with _exits():
        check = Check(Files(folder), broker, SystemClock())
        open_point = await at_rest(check.books, SystemClock(), wait)
        sections = await check.sections()
    if json:
        print_json({"at_rest": not open_point, "books": sides.as_json(sections)})
    else:
        sides.show(console, sections)
        console.print(_verdict(sections, open_point), highlight=False, soft_wrap=True)
    return REFUSED if any(section.differing for section in sections) else OK


async def check_history(
    folder: Path, broker: Broker, console: Console, *, json: bool = False
) -> int:
    """Holds the past as the streams tell it, and what reconciliation has found in it, against the
    data set in `folder`.

    Gives OK, or REFUSED where anything differs. Raises Exit.
    """
    with _exits():
        found = await HistoryCheck(Files(folder), broker, SystemClock()).found()
    if json:
        print_json(history_check.as_json(found))
    else:
        history_check.show(console, found)
        said = f"{_verdict(found.sections)} {_reconciled(found)}"
        console.print(said, highlight=False, soft_wrap=True)
    return REFUSED if any(section.differing for section in found.sections) else OK


def _reconciled(found: Found) -> str:
    """How far reconciliation has come."""
    wanted = sum(len(each.rule.orders) for each in found.rules)
    there, still = (
        sum(sums[0] for sums in column)
        for column in ([each.found for each in found.rules], [each.open for each in found.rules])
    )
    return f"{there:,} of {wanted:,} divergences found, {still:,} still open."


def _verdict(sections: Sequence[Section], open_point: str = "") -> str:
    differing = sum(len(section.differing) for section in sections)
    compared = sum(len(section.rows) for section in sections)
    said = f"{compared:,} numbers compared, {differing:,} differ."
    return f"{said} The shop is not at rest: {open_point}." if open_point else said


@contextmanager
def _exits(hint: str = "") -> Iterator[None]:
    """Ends the command in the way that fits the error."""
    try:
        yield
    except Exception as error:
        raise _exit(next(_leaves(error)), hint) from error


def _exit(error: Exception, hint: str) -> Exception:
    """What nobody expects stays as it is."""
    match error:
        case FilesError():
            return Exit(USAGE, str(error))
        case OtherImport():
            return Exit(REFUSED, str(error))
        case MeshSilent() | Halt() | BrokerUnavailable() | NoAnswer():
            return Exit(UNAVAILABLE, f"{error} {hint}".rstrip())
        case _:
            return error


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
