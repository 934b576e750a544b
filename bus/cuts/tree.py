"""Searches in the tree of runs: each asks for one run after the other, whose steps it is sent.

Several searches go down side by side, so that what all of them need next is read in one go.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence

from bus.cuts.layout import Layout
from bus.cuts.steps import Steps
from bus.view import Rows

Search = Generator[str, Steps, int]
"""Yields keys of runs, is sent their steps, and returns what it has found."""
Limits = Sequence[int | None]
"""By coordinate: the largest value allowed; None: any."""


class Tree:
    """All domains' runs, as far as they have been read. `ends` are the last positions."""

    def __init__(self, rows: Rows, domains: Sequence[str], layout: Layout) -> None:
        self.ends = dict.fromkeys(domains, 0)
        self._rows = rows
        self._layout = layout
        self._width = len(domains) + 1
        self._read: dict[str, Steps] = {}
        self._tops = dict.fromkeys(domains, 0)

    async def begin(self) -> None:
        """Reads the highest runs: one a domain, as each covers millions of events."""
        layout, further = self._layout, [*self.ends]
        while further:
            keys = {}
            for domain in further:
                for number in (self._tops[domain], self._tops[domain] + 1):
                    first = number * layout.sizes[-1] + 1
                    keys[layout.key(domain, layout.top, first)] = domain
            await self._load(keys)
            there = [key for key in keys if self._read[key].units]
            for key in there:
                self._tops[keys[key]] += 1
            further = [d for d in further if sum(keys[key] == d for key in there) > 1]

    async def all(self, searches: Mapping[str, Search]) -> dict[str, int]:
        """What each has found, by the same names."""
        found: dict[str, int] = {}
        wanted: dict[str, str] = {}

        def go_on(name: str, steps: Steps | None) -> None:
            try:
                search = searches[name]
                wanted[name] = next(search) if steps is None else search.send(steps)
            except StopIteration as done:
                found[name] = done.value
                wanted.pop(name, None)

        for name in searches:
            go_on(name, None)
        while wanted:
            await self._load(wanted.values())
            for name, key in [*wanted.items()]:
                go_on(name, self._read[key])
        return found

    def prefix(self, domain: str, limits: Limits) -> Search:
        """The last position up to which every event keeps within `limits`."""
        layout, end, found = self._layout, self.ends[domain], 0
        for _ in range(self._tops[domain]):
            units = (yield layout.key(domain, layout.top, found + 1)).within(limits)
            found += units * layout.units[-1]
            if units < layout.fan:
                break
        for level in reversed(range(layout.top)):
            if found >= end:
                break
            run = yield layout.key(domain, level, found + 1)
            found += run.within(limits) * layout.units[level]
        return min(found, end)

    def maximum(self, domain: str, coordinate: int, position: int) -> Search:
        """The largest value of a coordinate among the events 1 to `position`."""
        layout, largest, done = self._layout, 0, 0
        for level in reversed(range(layout.top + 1)):
            while units := min((position - done) // layout.units[level], layout.fan):
                run = yield layout.key(domain, level, done + 1)
                largest = max(largest, run.maximum(coordinate, units))
                done += units * layout.units[level]
        return largest

    async def _load(self, keys: Iterable[str]) -> None:
        """One that is not there has no units: nothing of it has been folded."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._read]
        if not missing:
            return
        rows = await self._rows.many(missing)
        for key in missing:
            row = rows.get(key, {"end": 0, "steps": ""})
            self._read[key] = Steps(row["steps"], self._width)
            domain = key.partition("/")[0]
            self.ends[domain] = max(self.ends[domain], row["end"])
