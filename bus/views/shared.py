"""A view's partitions as one process folds them: those that fall to it, each event decoded once.

A view that is not divided has one partition, which each of its processes folds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from msgspec.structs import replace

from bus.owner import Delivered
from bus.parked import Retried
from bus.store.port import Checkpoint
from bus.tasks import end
from bus.view import View
from bus.views.build import Aim
from bus.views.builder import Builder, Rewound
from bus.views.gathered import Read
from bus.views.members import Members
from bus.views.partition import Partition
from bus.views.partitions import falling
from bus.views.port import NothingServes
from bus.views.reading import Item
from bus.views.readings import Readings

NEAR = 2000
"""Events behind the build that serves, at most, of each partition that takes over with the
others: so it does within a moment."""


class SharedAnew(Rewound):
    """Other partitions fall to this process than before."""


class Shared:
    """`partitions` are all of the view's."""

    def __init__(self, view: View, partitions: Sequence[Partition], members: Members) -> None:
        self.view = view
        self._partitions = partitions
        self._builders = [one.builder for one in partitions]
        self._members = members
        self._readings = Readings(view)
        self._own: frozenset[int] = frozenset()

    @property
    def divided(self) -> bool:
        return len(self._builders) > 1

    @property
    def idle(self) -> bool:
        """Whether there are workers enough without this one."""
        return not self._own

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """Up to where all are that this process folds; where it folds none, all of the view's."""
        each = [builder.checkpoints for builder in self._folding or self._builders]
        if not all(each):
            return {}  # one has not begun yet
        return {domain: min(one[domain] for one in each) for domain in each[0]}

    @property
    def own(self) -> Collection[int]:
        """The numbers of the partitions that this process folds."""
        return self._own

    @property
    def serving(self) -> bool:
        return all(builder.serving for builder in self._builders)

    def folds(self, partition: Partition) -> bool:
        """Whether it falls to this process."""
        return partition.builder in self._folding

    async def begin(self) -> None:
        self._own = self._falling()
        for builder in self._builders:
            await builder.begin()
        if self.divided and self.serving:
            await self.remember()  # where one is ahead of another, it is asked as it was

    async def look(self) -> None:
        """Raises Rewound, SharedAnew."""
        if self._falling() != self._own:
            raise SharedAnew
        for builder in self._builders:
            if builder in self._folding:
                await builder.look()
            else:
                with suppress(Rewound):
                    await builder.look()

    async def read(self, domain: str, batch: Sequence[Delivered]) -> Read:
        return await self._readings.read(domain, batch)

    async def put(self, batches: Mapping[str, Read]) -> None:
        if not self.divided:
            await self._builders[0].put(batches)
            return
        split = self._split(batches)
        writing = [asyncio.create_task(self._builders[n].put(own)) for n, own in split.items()]
        try:
            done, _ = await asyncio.wait(writing, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await end(writing)

    async def remember(self) -> None:
        for builder in self._folding:
            await builder.remember()

    async def take_over(self) -> bool:
        """Once all partitions are near what serves, whoever folds the first has all take over."""
        if not self.divided:
            return await self._builders[0].take_over()
        for builder in self._folding:
            await builder.prepare()
        if 0 in self._own and await self._near():
            for builder in self._builders:
                if not await builder.take_over():
                    break  # it has to fold on first, and what serves stops where one has gone over
        return self.serving

    async def retry(self, key: str | None) -> Retried:
        """An event that waits in several partitions counts once."""
        if not self.divided:
            return await self._builders[0].retry(key)
        before = await self._waiting()
        for builder in self._builders:
            await builder.retry(key)
        after = await self._waiting()
        again = {event[:2] for event, tried in after.items() if tried > before.get(event, tried)}
        return Retried(retried=len(before.keys() - after.keys()), failed=len(again))

    @property
    def _folding(self) -> Sequence[Builder]:
        return [self._builders[number] for number in sorted(self._own)]

    def _falling(self) -> frozenset[int]:
        return self._members.own if self.divided else frozenset({0})

    def _split(self, batches: Mapping[str, Read]) -> Mapping[int, Mapping[str, Read]]:
        """What each of the own partitions folds. What can't be read keeps the later events of its
        aggregate waiting, in whichever partition they fall to: so it waits in all."""
        found: dict[int, dict[str, Read]] = {number: {} for number in self._own}
        for domain, read in batches.items():
            items: dict[int, list[Item]] = {number: [] for number in self._own}
            for item in read.items:
                for number, own in self._fallen(item).items():
                    items[number].append(own)
            for number, of in items.items():
                found[number][domain] = Read(of, read.place)
        return found

    def _fallen(self, item: Item) -> Mapping[int, Item]:
        if not item.keys:
            return dict.fromkeys(self._own, item)
        keys: dict[int, list[str]] = {}
        for key in item.keys:
            keys.setdefault(falling(key, len(self._builders)), []).append(key)
        return {n: replace(item, keys=own) for n, own in keys.items() if n in self._own}

    async def _waiting(self) -> Mapping[tuple[str, str, int], int]:
        """How often each parked event, by domain, key and position, has been tried in all."""
        found: Counter[tuple[str, str, int]] = Counter()
        for partition in self._partitions:
            for row in await partition.store.parked():
                found[row.reader.partition("/")[2], row.key, row.position] += row.attempts
        return found

    async def _near(self) -> bool:
        for partition in self._partitions:
            await partition.builder.look()
            asked = partition.store.beside(Aim.ASKED)
            try:
                await asked.open()
                theirs = (await asked.state()).checkpoints
            except NothingServes:
                continue
            finally:
                await asked.close()
            ours = partition.builder.checkpoints
            both = ours.keys() & theirs.keys()
            if sum(max(0, theirs[d].position - ours[d].position) for d in both) > NEAR:
                return False
        return True
