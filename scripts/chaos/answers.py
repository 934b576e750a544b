"""Asks all views all the time, and later asks again for each answer that they gave.

    python -m scripts.chaos.answers FOLDER [--answers N] [--seed S]

FOLDER has the real orders; they are played meanwhile, beside customers who keep buying, and
processes of views are killed. Each answer must come again, byte for byte, as of the positions
that it has printed: at once, a while later, or when the load has ended. And what views show as of
one cut must show no effect without its cause. Exit codes: 0 so it was, 1 it was not, 2 usage.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from cyclopts.validators import Path as IsPath
from rich.console import Console

from bus.broker.nats import NatsBroker
from bus.tasks import end
from scripts.chaos.again import Answers
from scripts.chaos.load import Load
from scripts.chaos.lookout import watching
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.patient import Patient
from scripts.chaos.recorded import When
from scripts.commands.output import say, show
from scripts.commands.progress import Progress
from scripts.demo.demo import Demo

SCALE = {"view-orders": 2, "view-stock": 2}
"""Two processes of a view in either store."""
PACE = 2.0
"""How many times as fast as in the demo its customers come."""

Count = Annotated[int, Parameter(validator=Number(gte=1))]
Folder = Annotated[Path, Parameter(validator=IsPath(exists=True, file_okay=False))]

app = App(name="answers", help="Asks again for answers that were given, as of then.")


@app.default
def main(files: Folder, /, *, answers: Count = 10_000, seed: str = "") -> None:
    """Record answers, ask again for each, and count what differs.

    Parameters
    ----------
    files
        The folder with the real orders.
    answers
        How many are recorded; those as of cuts come on top.
    seed
        Chance, the same again.
    """
    seed = seed or secrets.token_hex(4)
    say(f"seed {seed}")
    try:
        told = asyncio.run(_played(files, answers, seed))
    except Broken as broken:
        sys.exit(str(broken))
    _print(told)
    sys.exit(bool(told.asking.tally.wrong))


def _print(told: Answers) -> None:
    tally, cuts = told.asking.tally, told.cuts
    show(tally.rows(), ["query", *When, "differ"], json=False)
    uncaused = len(tally.wrong) - tally.differ
    print(
        f"{told.kills} processes killed; {cuts.orders:,} orders looked at as of {cuts.cuts:,} "
        f"cuts: {uncaused} wrong"
    )
    print(f"{tally.count:,} answers asked again, {tally.differ} differ")


async def _played(files: Path, count: int, seed: str) -> Answers:
    folder = Path(tempfile.mkdtemp(prefix="trueup-answers-"))
    mesh = Mesh(folder, {})
    load = Load(mesh, files)
    kept = True
    try:
        await mesh.up(SCALE)
        async with _asking(mesh) as patient, watching(mesh) as lookout:
            answers = Answers(mesh, lookout, patient, random.Random(seed))
            await answers.remembered()
            load.start()
            async with _customers(mesh):
                await lookout.moving(load)
                with Progress("answers", "answers", Console(stderr=True)) as progress:
                    await answers.record(count, progress)
            if not load.playing:
                await load.finish()  # raises what has ended it early
            await load.stop()
            with Progress("asked again", "answers", Console(stderr=True)) as progress:
                await answers.afterwards(progress)
            kept = bool(answers.asking.tally.wrong)
            return answers
    finally:
        await load.stop()
        await mesh.down()
        if kept:
            say(f"its home stays: {folder}")
        else:
            shutil.rmtree(folder)


@asynccontextmanager
async def _asking(mesh: Mesh) -> AsyncIterator[Patient]:
    broker = NatsBroker(mesh.urls["NATS_URL"], name="answers")
    await broker.open()
    try:
        yield Patient(broker)
    finally:
        await broker.close()


@asynccontextmanager
async def _customers(mesh: Mesh) -> AsyncIterator[None]:
    """Who come for as long as there are questions: the real orders may end earlier."""
    demo = Demo(NatsBroker(mesh.urls["NATS_URL"], name="customers"), pace=PACE)
    await demo.start()
    buying = asyncio.create_task(demo.wait())
    try:
        yield
    finally:
        await end([buying])
        await demo.stop()


if __name__ == "__main__":
    app()
