"""A settlement report as a file: CSV, one movement of money a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domains.payments.messages import Movement
from scripts.settlement.columns import COLUMNS, read
from scripts.settlement.lines import Lines

SHOWN = 20
"""Faults of one file that are named."""


class WrongFile(Exception):
    """It can't be read; says where, and what else is wrong with it."""


class Reported(NamedTuple):
    """All movements by order, each once."""

    orders: Mapping[str, Sequence[Movement]]

    @property
    def movements(self) -> int:
        return sum(len(movements) for movements in self.orders.values())

    @property
    def latest(self) -> datetime:
        return max(each.time for movements in self.orders.values() for each in movements)


def reported(file: Path, until: datetime | None, now: datetime) -> Reported:
    """All of it, or none. Nothing in it may be later than `until`, or than `now`.
    Raises WrongFile."""
    lines = Lines(until, now)
    faults = [f"{file}, line {fault}" for fault in _faults(_text(file), lines)]
    if faults:
        more = len(faults) - SHOWN
        raise WrongFile(
            "\n".join([*faults[:SHOWN], *([f"… and {more:,} more"] if more > 0 else [])])
        )
    if not lines.orders:
        raise WrongFile(f"{file}: there is no movement in it")
    return Reported(lines.orders)


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise WrongFile(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongFile(f"{file}, line {line}: it is no UTF-8 there") from error


def _faults(text: str, lines: Lines) -> Iterator[str]:
    """What is wrong, each with its line's number."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if reader.line_num > 1:
                yield from (f"{reader.line_num}{f}" for f in _row(row, lines, reader.line_num))
            elif tuple(name.strip() for name in row) != COLUMNS:
                yield f"1: the header must be {','.join(COLUMNS)}"
                return
    except csv.Error as error:
        yield f"{reader.line_num}: {error}"


def _row(row: Sequence[str], lines: Lines, number: int) -> Iterator[str]:
    if not row:
        return
    if len(row) != len(COLUMNS):
        yield f": {len(COLUMNS)} columns expected, {len(row)} there"
        return
    found = read(row)
    wrong = found if isinstance(found, list) else lines.take(*found, number)
    yield from (f", {each}" for each in wrong)
