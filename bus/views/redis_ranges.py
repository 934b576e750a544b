"""From where to where an index in Redis is walked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bus.view import Scalar
from bus.views.cursor import Cursor
from bus.views.redis_keys import entry, value_entry


class Range(NamedTuple):
    """Ends as ZRANGE BYLEX takes them."""

    low: str
    high: str
    descending: bool

    @classmethod
    def of(
        cls,
        by: str | None,
        where: Mapping[str, Scalar],
        order: str | None,
        descending: bool,
        start: Cursor | None,
    ) -> Range:
        """Of the index of the column `by`, or of all keys, behind the place `start`."""
        whole = cls("-", "+", descending)
        if by is not None and by in where:
            prefix = value_entry(where[by])
            whole = cls(f"[{prefix}\0", f"({prefix}\x01", descending)
        if start is None:
            return whole
        if by is None:
            return whole.behind(start.key)
        return whole.behind(entry(start.value if order else where[by], start.key))

    def behind(self, text: str) -> Range:
        if self.descending:
            return self._replace(high=f"({text}")
        return self._replace(low=f"({text}")

    def holds(self, text: str) -> bool:
        return _above(text, self.low) and _below(text, self.high)


def _above(text: str, low: str) -> bool:
    return low == "-" or text > low[1:] or (low[0] == "[" and text == low[1:])


def _below(text: str, high: str) -> bool:
    return high == "+" or text < high[1:] or (high[0] == "[" and text == high[1:])
