"""`trueup check olist --history`: the facts of the past in the streams, held against the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from bus.broker.port import Broker
from bus.clock import Clock
from scripts.olist import history_books, sides, streams
from scripts.olist.expected_history import ExpectedHistory, Rule
from scripts.olist.files import Files
from scripts.olist.sides import Section, compare


class HistoryCheck:
    """What was recorded (`sections`), and what a reconciliation must find in it (`rules`).

    Raises FilesError, and MeshSilent where a service does not answer.
    """

    def __init__(self, files: Files, broker: Broker, clock: Clock) -> None:
        self._expected = ExpectedHistory(files)
        self._broker = broker
        self._clock = clock

    async def sections(self) -> Sequence[Section]:
        await streams.answering(self._broker, self._clock)
        told = await history_books.told(self._broker)
        return [
            compare(book, history_books.unit(book), amounts, told.get(book, {}))
            for book, amounts in self._expected.books()
        ]

    def rules(self) -> Sequence[Rule]:
        return self._expected.rules()


def as_json(sections: Sequence[Section], rules: Sequence[Rule]) -> Mapping[str, Any]:
    """All sums and differences, and the orders of each rule by name."""
    return {
        "books": sides.as_json(sections),
        "rules": [
            {
                "rule": rule.name,
                "orders": len(rule.orders),
                "cents": rule.cents,
                "ids": rule.orders,
            }
            for rule in rules
        ],
    }


def show(console: Console, sections: Sequence[Section], rules: Sequence[Rule]) -> None:
    sides.show(console, sections)
    console.print("What the files don't agree on, and a reconciliation must find:")
    for rule in rules:
        amount = f"{rule.cents // 100}.{rule.cents % 100:02}"
        fields = (rule.name, str(len(rule.orders)), amount)
        if console.is_terminal:
            console.print(f"{fields[0]:<40}{fields[1]:>10}{fields[2]:>16}", highlight=False)
        else:
            console.file.write("\t".join(fields) + "\n")
