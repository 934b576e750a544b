"""Two sides of one book, side by side, and the difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from rich.console import Console
from rich.table import Table

LONG = 40
"""Rows beyond which a section shows only its sum and what differs."""
DIFFERING = 20
"""Differing rows that a long section names, at most."""

Unit = Literal["count", "cents"]


class Row(NamedTuple):
    key: str
    files: int
    shop: int

    @property
    def difference(self) -> int:
        return self.shop - self.files


@dataclass(frozen=True)
class Section:
    """One book. A key that one side does not know counts as 0 there."""

    title: str
    unit: Unit
    rows: Sequence[Row]

    @property
    def differing(self) -> Sequence[Row]:
        return [row for row in self.rows if row.difference]

    @property
    def sum(self) -> Row:
        files, shop = sum(row.files for row in self.rows), sum(row.shop for row in self.rows)
        return Row(f"all {len(self.rows):,}", files, shop)


def compare(title: str, unit: Unit, files: Mapping[str, int], shop: Mapping[str, int]) -> Section:
    keys = sorted({*files, *shop})
    return Section(title, unit, [Row(key, files.get(key, 0), shop.get(key, 0)) for key in keys])


def show(console: Console, sections: Iterable[Section]) -> None:
    """Tables on a terminal, plain lines with tabs where it is piped."""
    for section in sections:
        if console.is_terminal:
            console.print(_table(section))
        else:
            _lines(console, section)


def as_json(sections: Iterable[Section]) -> Sequence[Mapping[str, Any]]:
    """All sums, and every row that differs."""
    return [
        {
            "title": section.title,
            "unit": section.unit,
            "rows": len(section.rows),
            "files": section.sum.files,
            "shop": section.sum.shop,
            "differing": [
                {**row._asdict(), "difference": row.difference} for row in section.differing
            ],
        }
        for section in sections
    ]


def _shown(section: Section) -> Sequence[Row]:
    if len(section.rows) <= LONG:
        return [*section.rows, section.sum]
    return [*section.differing[:DIFFERING], section.sum]


def _lines(console: Console, section: Section) -> None:
    for row in _shown(section):
        numbers = (row.files, row.shop, row.difference)
        texts = [_text(number, section.unit, separator="") for number in numbers]
        fields = [section.title, row.key, *texts]
        console.file.write("\t".join(fields) + "\n")
    unnamed = len(section.differing) - DIFFERING
    if len(section.rows) > LONG and unnamed > 0:
        console.file.write(f"{section.title}\t… and {unnamed:,} more that differ\n")


def _table(section: Section) -> Table:
    table = Table(title=section.title, title_justify="left", min_width=72)
    table.add_column("", ratio=2)
    for heading in ("from the files", "in the shop", "difference"):
        table.add_column(heading, justify="right", ratio=1)
    for row in _shown(section):
        style = "red" if row.difference else None
        numbers = (row.files, row.shop, row.difference)
        table.add_row(row.key, *(_text(number, section.unit) for number in numbers), style=style)
    return table


def _text(number: int, unit: Unit, separator: str = ",") -> str:
    """Cents with two decimals; thousands are set apart by `separator`."""
    sign, size = ("-" if number < 0 else ""), abs(number)
    text = f"{size:,}" if unit == "count" else f"{size // 100:,}.{size % 100:02}"
    return sign + text.replace(",", separator)
