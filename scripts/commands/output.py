"""What commands print: tables for people, tab-separated lines or JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

Row = Mapping[str, Any]


def terminal() -> bool:
    return sys.stdout.isatty()


def show(rows: Sequence[Row], columns: Sequence[str], *, json: bool, title: str = "") -> None:
    """`rows` as JSON if asked for, as a table on a terminal, else one line each
    with tabs, that begins with the `title`."""
    if json:
        print_json(rows)
    elif terminal():
        Console().print(_table(rows, columns, title))
    else:
        for row in rows:
            cells = [title] if title else []
            print("\t".join([*cells, *(_text(row.get(column)) for column in columns)]))


def print_json(value: Any) -> None:
    print(msgspec.json.format(msgspec.json.encode(value)).decode())


def say(line: str) -> None:
    """To stderr, so that what a program reads stays clean."""
    print(line, file=sys.stderr, flush=True)


def lines(parts: Iterable[tuple[str, str]]) -> str:
    """Names and values in two columns."""
    pairs = list(parts)
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in pairs)


def _table(rows: Sequence[Row], columns: Sequence[str], title: str) -> Table:
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for column in columns:
        numeric = bool(rows) and all(
            isinstance(row.get(column), int | float | None) for row in rows
        )
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    return table


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            return value.replace("\t", " ").replace("\n", " ")
        case int() | float():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()
