"""The SQL of what queries ask. Names are checked against the view's columns, values never
stand in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bus.view import Scalar
from bus.views.cursor import Cursor
from bus.views.kept import Columns, possible


class Stretch(NamedTuple):
    """Rows with a value in the column that orders, or those without; behind `start`."""

    with_value: bool
    start: Cursor | None


def stretches(order: str | None, descending: bool, start: Cursor | None) -> Sequence[Stretch]:
    """Rows without a value come last, and first where the order is turned round: each
    stretch is one range of an index."""
    if order is None:
        return [Stretch(False, start)]
    both = [Stretch(True, None), Stretch(False, None)]
    if descending:
        both.reverse()
    if start is None:
        return both
    reached = [stretch.with_value for stretch in both].index(start.value is not None)
    return [both[reached]._replace(start=start), *both[reached + 1 :]]


@dataclass
class Sql:
    """A statement in the making, over `table`: its name, or what stands for it in SQL and has
    the first of the `values`."""

    table: str
    columns: Columns
    values: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def name(self, column: str) -> str:
        """Raises LookupError where the view has no such column."""
        if column not in self.columns:
            raise LookupError(f"the view has no column {column!r}")
        return f'"{column}"'

    def where(self, wanted: Mapping[str, Scalar]) -> list[str]:
        return ["row is not null", *(self._equal(*pair) for pair in wanted.items())]

    def _equal(self, column: str, value: Scalar) -> str:
        if value is None:
            return f"{self.name(column)} is null"
        return f"{self.name(column)} = {self.add(value)}" if possible(value) else "false"

    def many(self, keys: Sequence[str]) -> str:
        conditions = [*self.where({}), f"key = any({self.add(keys)})"]
        return f"select key, row from {self.table} where {' and '.join(conditions)}"

    def find(
        self,
        wanted: Mapping[str, Scalar],
        order: str | None,
        descending: bool,
        limit: int,
        stretch: Stretch,
    ) -> str:
        conditions = self.where(wanted)
        places = ["key"]
        value = "null" if order is None else self.name(order)
        if order is not None:
            conditions.append(f"{value} is {'not ' if stretch.with_value else ''}null")
            if stretch.with_value:
                places.insert(0, value)
        if stretch.start is not None:
            start = stretch.start[-len(places) :]
            behind = "<" if descending else ">"
            given = ", ".join(map(self.add, start))
            conditions.append(f"({', '.join(places)}) {behind} ({given})")
        ordering = ", ".join(f"{place} {'desc' if descending else 'asc'}" for place in places)
        return (
            f"select key, row, {value} as value from {self.table} "
            f"where {' and '.join(conditions)} order by {ordering} limit {self.add(limit)}"
        )

    def totals(
        self,
        by: Sequence[str],
        of: Sequence[str],
        wanted: Mapping[str, Scalar],
        order: str | None,
        limit: int | None,
    ) -> str:
        groups = [self.name(column) for column in by]
        sums = {column: f"coalesce(sum({self.name(column)}), 0)" for column in of}
        counted = {**sums, "count": "count(*)"}
        ordering = [f"{group} nulls last" for group in groups]
        if order is not None:
            ordering.insert(0, f"{counted[order]} desc")
        return (
            f"select {', '.join([*groups, *counted.values()])} from {self.table} "
            f"where {' and '.join(self.where(wanted))}"
            + (f" group by {', '.join(groups)}" if groups else "")
            + (f" order by {', '.join(ordering)}" if groups else "")
            + (f" limit {self.add(limit)}" if limit is not None else "")
        )
