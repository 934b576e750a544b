"""A stock count as a file: CSV, one SKU a line."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bus import subjects

COLUMNS = ["sku", "counted"]
MOST = 2**53 - 1
_number = re.compile(r"[0-9]{1,16}").fullmatch


class WrongFile(Exception):
    """It can't be read; says where."""


class Counted(NamedTuple):
    """`reference` names the count by the file's name and its content."""

    reference: str
    digest: str
    rows: Sequence[tuple[str, int]]


def counts(file: Path) -> Counted:
    """All of it, or none. Raises WrongFile."""
    try:
        content = file.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongFile(f"{file}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()[:12]
    rows = list(_rows(file, lines))
    if not rows:
        raise WrongFile(f"{file}: nothing was counted")
    name = re.sub(r"[\x00-\x1f\x7f]", "", file.name)[:100]
    return Counted(f"{name} {digest}", digest, rows)


def _rows(file: Path, lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    reader = csv.reader(lines, strict=True)
    seen: dict[str, int] = {}
    try:
        for row in reader:
            if reader.line_num == 1:
                _header(file, row)
            elif row:
                yield _row(f"{file}, line {reader.line_num}", row, seen, reader.line_num)
    except csv.Error as error:
        raise WrongFile(f"{file}, line {reader.line_num}: {error}") from error


def _header(file: Path, row: Sequence[str]) -> None:
    if [name.strip() for name in row] != COLUMNS:
        raise WrongFile(f"{file}, line 1: the header must be {','.join(COLUMNS)}")


def _row(where: str, row: Sequence[str], seen: dict[str, int], line: int) -> tuple[str, int]:
    if len(row) != len(COLUMNS):
        raise WrongFile(f"{where}: {len(COLUMNS)} columns expected, {len(row)} there")
    sku, counted = (value.strip() for value in row)
    if not subjects.is_id(sku):
        raise WrongFile(f"{where}, column sku: {sku!r} is no SKU")
    if not _number(counted) or int(counted) > MOST:
        raise WrongFile(f"{where}, column counted: {counted!r} is no number of units")
    if sku in seen:
        raise WrongFile(f"{where}, column sku: {sku} was counted in line {seen[sku]} already")
    seen[sku] = line
    return sku, int(counted)
