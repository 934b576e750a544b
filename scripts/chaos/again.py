"""Visitors who ask all views all the time, and ask again for the answers that they got."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime
from functools import partial

from bus.tasks import end
from scripts.chaos.at_once import at_once
from scripts.chaos.cuts import Cuts
from scripts.chaos.lookout import Lookout
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.patient import Patient
from scripts.chaos.questions import Questions
from scripts.chaos.recorded import Asking, Recorded, When
from scripts.chaos.until import until
from scripts.commands.mesh import views
from scripts.commands.progress import Progress

VISITORS = 8
"""Who ask at the same time."""
A_CUT = 0.02
"""How often a visitor looks at a cut before he asks."""
LIFE = (0.5, 3.0)
"""Seconds between two kills."""
PATIENCE = 60.0
"""Seconds in which a new view must have come to remember how its rows are."""


class Answers:
    """Records them, and asks again."""

    def __init__(
        self, mesh: Mesh, lookout: Lookout, patient: Patient, chance: random.Random
    ) -> None:
        self.asking = Asking(patient)
        self.kills = 0
        self._mesh = mesh
        self._lookout = lookout
        self._chance = chance
        self._questions = Questions(views(), chance, datetime.now(UTC))
        self.cuts = Cuts(self.asking, self._questions, chance)
        self._waiting: list[Recorded] = []

    async def remembered(self) -> None:
        """Returns when every view remembers how its rows are. Raises Broken."""
        for view in views().values():
            question = self._questions.simplest(view)
            try:
                async with asyncio.timeout(PATIENCE):
                    await until(partial(self.asking.remembered, question))
            except TimeoutError:
                raise Broken(f"{view.name} does not remember its rows") from None

    async def record(self, count: int, progress: Progress) -> None:
        """Records that many answers. Raises Broken."""
        numbers = iter(range(count))
        done = itertools.count(1)

        async def visitor() -> None:
            for _ in numbers:
                await self._visit()
                progress.at(next(done), count)

        killing = asyncio.create_task(self._kill())
        try:
            await at_once(VISITORS, visitor)
        finally:
            await end([killing])

    async def afterwards(self, progress: Progress) -> None:
        """Asks again for what has not been asked again yet. Raises Broken."""
        waiting = [*self._waiting, *self.cuts.found]
        left, done = iter(waiting), itertools.count(1)

        async def visitor() -> None:
            for recorded in left:
                await self.asking.again(recorded, When.AFTER)
                progress.at(next(done), len(waiting))

        await at_once(VISITORS, visitor)

    async def _visit(self) -> None:
        """Until somebody knows something of what was asked for."""
        if self._chance.random() < A_CUT:
            await self.cuts.look()
        while True:
            question = self._questions.next()
            recorded = await self.asking.record(question)
            if recorded is not None:
                break
        self._questions.note(question, recorded.answer)
        await self._ask_again(recorded)

    async def _ask_again(self, recorded: Recorded) -> None:
        """For this answer, or for an earlier one, or later."""
        when = self._chance.choice([*When])
        if when is When.AT_ONCE:
            await self.asking.again(recorded, when)
            return
        self._waiting.append(recorded)
        if when is When.LATER:
            place = self._chance.randrange(len(self._waiting))
            await self.asking.again(self._waiting.pop(place), when)

    async def _kill(self) -> None:
        """One process after the other, each when the one before answers again: however slowly
        they start, most of them are there."""
        while True:
            await asyncio.sleep(self._chance.uniform(*LIFE))
            name = self._chance.choice(self._mesh.names("view"))
            killed, _ = await self._mesh.running(name)
            await self._mesh.kill(name)
            self.kills += 1
            pid, _ = await self._mesh.running(name, but=killed)
            await until(partial(self._answers, name, pid))

    async def _answers(self, name: str, pid: int) -> bool:
        service = name.rsplit("-", 1)[0] if name[-1].isdecimal() else name
        told = await self._lookout.told(service, lambda status: status.pid == pid)
        return any(status.pid == pid for status in told)
