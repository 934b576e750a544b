"""`trueup check olist --history`: the facts of the past in the streams, and what reconciliation has
made of them, held against the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bus.broker.port import Broker
from bus.clock import Clock
from scripts.olist import history_books, history_found, sides, streams
from scripts.olist.expected_history import ExpectedHistory
from scripts.olist.files import Files
from scripts.olist.history_found import Reconciled
from scripts.olist.sides import Section, compare


@dataclass(frozen=True)
class Found:
    """What was recorded, and what was found in it, as `sections`; and by rule what has become of
    that."""

    sections: Sequence[Section]
    rules: Sequence[Reconciled]


class HistoryCheck:
    """Raises FilesError, and MeshSilent where a service does not answer."""

    def __init__(self, files: Files, broker: Broker, clock: Clock) -> None:
        self._expected = ExpectedHistory(files)
        self._broker = broker
        self._clock = clock

    async def sections(self) -> Sequence[Section]:
        """What was recorded alone."""
        await streams.answering(self._broker, self._clock)
        told = await history_books.told(self._broker)
        return [
            compare(book, history_books.unit(book), amounts, told.get(book, {}))
            for book, amounts in self._expected.books()
        ]

    async def found(self) -> Found:
        sections = await self.sections()
        rules = self._expected.rules()
        found = await history_found.divergences(self._broker)
        return Found(
            [*sections, *history_found.sections(rules, found)],
            history_found.reconciled(rules, found),
        )


def as_json(found: Found) -> Mapping[str, Any]:
    """All sums and differences, and the orders of each rule by name."""
    return {
        "books": sides.as_json(found.sections),
        "rules": [
            {
                "rule": each.rule.name,
                "orders": len(each.rule.orders),
                "cents": each.rule.cents,
                "ids": each.rule.orders,
                "name": history_found.name_of(each.rule.name),
                "found": _sums(each.found),
                "open": _sums(each.open),
                "stages": {stage: _sums(sums) for stage, sums in each.stages.items()},
            }
            for each in found.rules
        ],
    }


def _sums(sums: tuple[int, int]) -> Mapping[str, int]:
    return {"orders": sums[0], "cents": sums[1]}


COLUMNS = (
    *("rule", "in the files", "BRL", "found", "BRL found"),
    *("open", "BRL open", "right again", "BRL right", "dismissed"),
)


def show(console: Console, found: Found) -> None:
    sides.show(console, found.sections)
    console.print("What the files don't agree on, what was found of it, and what is open:")
    rows = [_row(each) for each in found.rules]
    if console.is_terminal:
        console.print(_table(rows))
        return
    for fields in (COLUMNS, *rows):
        console.file.write("\t".join(fields) + "\n")


def _table(rows: Sequence[Sequence[str]]) -> Table:
    table = Table()
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _row(each: Reconciled) -> tuple[str, ...]:
    right, dismissed = (each.stages.get(stage, (0, 0)) for stage in history_found.OVER)
    sums = (len(each.rule.orders), each.rule.cents), each.found, each.open, right
    numbers = [text for orders, cents in sums for text in (str(orders), _real(cents))]
    return (each.rule.name, *numbers, str(dismissed[0]))


def _real(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
