"""Cuts over all domains that show no effect without its cause.

A cut is a position in each domain: it shows the events up to there. It is consistent if no
event that it shows needs a later position of another domain than it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

from bus.cuts.tree import Limits, Tree

Cut = Mapping[str, int]
Raised = Mapping[str, list[tuple[int, str]]]
"""To which positions a domain had to go, and whose events needed that, in the order found."""
TIME = 0
"""The coordinate of the time; a domain's is 1 + its place in the order of all."""


class Needs(NamedTuple):
    """The event at `position` of `domain` needs that at `cause` of `of`."""

    domain: str
    position: int
    of: str
    cause: int

    def __str__(self) -> str:
        return f"{self.domain}:{self.position} needs {self.of}:{self.cause}"


class Contradiction(Exception):
    """No consistent cut keeps the named positions: `needs` goes from a named event to one
    beyond the position named for its domain, over the events between."""

    def __init__(self, needs: Sequence[Needs]) -> None:
        super().__init__(", ".join(map(str, needs)))
        self.needs = needs


class NotFolded(Exception):
    """The view has not come as far: `missing` are positions to wait for."""

    def __init__(self, missing: Cut) -> None:
        super().__init__(missing)
        self.missing = missing


class Cutting:
    """Cuts of what `tree` knows."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._domains = [*tree.ends]

    async def at_time(self, time: int) -> Cut:
        """The largest consistent cut that shows nothing later than `time`, in microseconds.

        An event that follows one with a later time in its domain is as late as that.
        """
        tree = self._tree
        limits: Limits = [time, *(None for _ in self._domains)]
        start = await tree.all({d: tree.prefix(d, limits) for d in self._domains})
        return await self._lowered(start, self._domains)

    async def at_positions(self, named: Cut) -> Cut:
        """A consistent cut with these positions, the others as they were at the latest of the
        named events, or as much later as the named ones need.

        Raises Contradiction, NotFolded.
        """
        tree, unnamed = self._tree, [d for d in self._domains if d not in named]
        if ahead := {d: p for d, p in named.items() if p > tree.ends[d]}:
            raise NotFolded(ahead)
        needed = await self._needed(named)
        times = await tree.all({d: tree.maximum(d, TIME, p) for d, p in named.items()})
        latest = max((times[d] for d, p in named.items() if p), default=-1)
        limits: Limits = [latest, *(None for _ in self._domains)]
        then = await tree.all({d: tree.prefix(d, limits) for d in unnamed})
        raised = {d: max(then[d], needed[d]) for d in unnamed}
        return await self._lowered({**named, **raised}, unnamed)

    async def _lowered(self, cut: Cut, free: Iterable[str]) -> Cut:
        """The largest consistent cut within `cut` in which only those of `free` are lower."""
        tree, free = self._tree, [*free]
        while True:
            limits: Limits = [None, *(cut[domain] for domain in self._domains)]
            found = await tree.all({d: tree.prefix(d, limits) for d in free})
            lower = {**cut, **{d: min(cut[d], p) for d, p in found.items()}}
            if lower == cut:
                return cut
            cut = lower

    async def _needed(self, named: Cut) -> Cut:
        """The smallest consistent cut with `named`: what these need, and what that needs.

        Raises Contradiction, NotFolded.
        """
        cut: dict[str, int] = {d: named.get(d, 0) for d in self._domains}
        why: Raised = {d: [] for d in self._domains}
        while True:
            before = dict(cut)
            for (domain, of), cause in (await self._needs(cut)).items():
                if cause <= cut[of]:
                    continue
                why[of].append((cause, domain))
                if of in named:
                    raise Contradiction(await self._chain(of, named, why))
                if cause > self._tree.ends[of]:
                    raise NotFolded({of: cause})
                cut[of] = cause
            if cut == before:
                return cut

    async def _needs(self, cut: Cut) -> Mapping[tuple[str, str], int]:
        """The latest position of another domain that the events of one need, in pairs."""
        tree, pairs = self._tree, [*permutations(self._domains, 2)]
        searches = {
            f"{d}/{of}": tree.maximum(d, 1 + self._domains.index(of), cut[d]) for d, of in pairs
        }
        found = await tree.all(searches)
        return {(d, of): found[f"{d}/{of}"] for d, of in pairs}

    async def _chain(self, of: str, named: Cut, why: Raised) -> Sequence[Needs]:
        """How a named event comes to need more of `of` than is named. Each step back was
        found earlier, so it ends."""
        chain: list[Needs] = []
        least = named[of] + 1
        while not chain or of not in named:
            domain = next(d for cause, d in why[of] if cause >= least)
            chain.insert(0, await self._first(domain, of, least))
            of, least = domain, chain[0].position
        return chain

    async def _first(self, domain: str, of: str, least: int) -> Needs:
        """The first event of `domain` that needs position `least` of `of`, or a later one."""
        tree, coordinate = self._tree, 1 + self._domains.index(of)
        limits: list[int | None] = [None] * (len(self._domains) + 1)
        limits[coordinate] = least - 1
        position = (await tree.all({"": tree.prefix(domain, limits)}))[""] + 1
        cause = (await tree.all({"": tree.maximum(domain, coordinate, position)}))[""]
        return Needs(domain, position, of, cause)
