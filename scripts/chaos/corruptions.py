"""Corrupts rows of running views behind their backs, and sees each one found and put right.

    python -m scripts.chaos.corruptions FOLDER [--corruptions N] [--within SECONDS] [--seed S]

FOLDER has the real orders; they are played meanwhile. Each corruption must be repaired within
10 s, and in the end every row of every view must be what its events say. Exit codes: 0 so it
was, 1 it was not, 2 usage.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import asyncpg
import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from cyclopts.validators import Path as IsPath
from redis.asyncio import Redis
from rich.console import Console

from bus.settings import Settings
from bus.tasks import end, heeding_cancellation
from scripts.chaos.load import Load
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.tampering import Done, Postgres, Tampers, Valkey
from scripts.chaos.until import until
from scripts.commands.mesh import views
from scripts.commands.output import say
from scripts.commands.progress import Progress

WITHIN = 10.0
"""Seconds in which a corruption must be repaired, on a machine that has nothing else to do."""
PATIENCE = 60.0
"""Seconds after which one that is not breaks the run."""
PAUSE = (0.0, 0.5)
"""Seconds between two corruptions of one view."""

Count = Annotated[int, Parameter(validator=Number(gte=1))]
Folder = Annotated[Path, Parameter(validator=IsPath(exists=True, file_okay=False))]

app = App(name="corruptions", help="Corrupts rows of running views, and sees them put right.")


@dataclass
class Tally:
    """Seconds until each was repaired, by view and kind; and what was not as it must be."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(map(len, self.took.values()))


class Corruptions:
    """Makes them, and counts. One at a time in each view, so that each is told from another."""

    def __init__(self, targets: Sequence[Tampers], chance: random.Random, *, within: float) -> None:
        self.tally = Tally()
        self._within = within
        self._targets = targets
        self._chance = chance

    async def make(self, count: int, progress: Progress) -> None:
        """Raises Broken where one is not repaired at all."""
        numbers = iter(range(count))

        async def client(target: Tampers) -> None:
            for number in numbers:
                await self._one(target, number)
                progress.at(self.tally.count, count)

        tasks = [asyncio.create_task(client(target)) for target in self._targets]
        try:
            await asyncio.gather(*tasks)
        finally:
            await end(tasks)

    async def _one(self, target: Tampers, number: int) -> None:
        kinds = Postgres.KINDS if isinstance(target, Postgres) else Valkey.KINDS
        while True:
            await asyncio.sleep(self._chance.uniform(*PAUSE))
            kind = self._chance.choice(kinds)
            began = time.monotonic()
            done = await target.tamper(kind, self._chance, number)
            if done is not None:
                break
        await self._repaired(target, done)
        seconds = time.monotonic() - began
        self.tally.took[f"{target.view.name} {kind}"].append(seconds)
        if seconds > self._within:
            self._wrong(f"{target.view.name}: {kind} of {done.key} took {seconds:.1f} s")

    async def _repaired(self, target: Tampers, done: Done) -> None:
        async def booked() -> bool:
            with heeding_cancellation():
                return await target.overwritten(done) or await target.booked(done.key) > done.booked

        try:
            async with asyncio.timeout(PATIENCE):
                await until(booked)
        except TimeoutError:
            raise Broken(f"{target.view.name}: {done.kind} of {done.key} is not found") from None

    def _wrong(self, what: str) -> None:
        self.tally.wrong.append(what)
        say(what)


@app.default
def main(
    files: Folder, /, *, corruptions: Count = 1000, within: float = WITHIN, seed: str = ""
) -> None:
    """Corrupt rows, and count what was not put right.

    Parameters
    ----------
    files
        The folder with the real orders.
    corruptions
        How many.
    within
        Seconds in which each must be put right.
    seed
        Chance, the same again.
    """
    seed = seed or secrets.token_hex(4)
    say(f"seed {seed}")
    try:
        tally = asyncio.run(_made(files, corruptions, within, seed))
    except Broken as broken:
        sys.exit(str(broken))
    for name, took in sorted(tally.took.items()):
        print(f"{name}: {len(took)}, median {statistics.median(took):.2f} s, {max(took):.2f} s")
    all_of = [seconds for took in tally.took.values() for seconds in took]
    print(
        f"{len(all_of):,} corruptions, all repaired: median {statistics.median(all_of):.2f} s, "
        f"longest {max(all_of):.2f} s; {len(tally.wrong)} violations"
    )
    sys.exit(bool(tally.wrong))


async def _made(files: Path, count: int, within: float, seed: str) -> Tally:
    folder = Path(tempfile.mkdtemp(prefix="trueup-corruptions-"))
    mesh = Mesh(folder, {})
    load = Load(mesh, files)
    try:
        await mesh.up({})
        load.start()
        async with _targets(mesh) as targets:
            made = Corruptions(targets, random.Random(seed), within=within)
            with Progress("corruptions", "corruptions", Console(stderr=True)) as progress:
                await made.make(count, progress)
            await load.stop()
            await _verified(mesh, made.tally)
        return made.tally
    finally:
        await load.stop()
        await mesh.down()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _targets(mesh: Mesh) -> AsyncIterator[Sequence[Tampers]]:
    settings = Settings.from_environment(mesh.urls)
    async with (
        asyncpg.create_pool(settings.database_url("views"), min_size=1) as pool,
        Redis.from_url(settings.redis_url, decode_responses=True) as redis,
    ):
        yield [
            Valkey(view, redis) if view.backend == "redis" else Postgres(view, pool)
            for view in views().values()
            if view.name != "divergences"  # has no rows: nothing disagrees
        ]


async def _verified(mesh: Mesh, tally: Tally) -> None:
    """Every answer comes from these rows."""
    for name in views():
        said = await mesh.trueup("verify", name, "--json")
        if said.code not in (0, 1):
            raise Broken(f"{name} can't be verified: {said.err}")
        for row in msgspec.json.decode(said.out)["differing"]:
            tally.wrong.append(f"{name}: {row['key']} is wrong in the end")
            say(tally.wrong[-1])


if __name__ == "__main__":
    app()
