"""The largest view made anew over real history, while it is asked all the time.

    .venv/bin/python -m scripts.bench.rebuild FOLDER [--rounds N]

It starts a mesh of its own, plays the orders of FOLDER through it, and when everybody is at rest
has `trueup rebuild orders` make the rows anew. Meanwhile clients ask for orders and for totals:
as nothing happens in the shop, every answer must be the one that was given before, to the byte.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from bus import subjects
from bus.broker.nats import NatsBroker
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.tasks import end
from scripts.bench import machine
from scripts.bench.shop import imported, rebuilt, settled
from scripts.chaos.lookout import watching
from scripts.chaos.mesh import Broken, Mesh
from scripts.commands.output import say

VIEW = "orders"
CLIENTS = 4
ASKED = 500
"""Orders that are asked for."""
REST = 0.01
"""Seconds between an answer and the client's next question."""

Count = Annotated[int, Parameter(validator=Number(gte=1))]

app = App(name="rebuild", help="The largest view made anew while it is asked.")


@dataclass
class Asked:
    """Milliseconds of every answer; what was not as before, and what was no answer."""

    milliseconds: list[float] = field(default_factory=list)
    wrong: int = 0
    failed: int = 0


@app.default
def main(folder: Path, /, *, rounds: Count = 3) -> None:
    """Measure, and print a line a round.

    Parameters
    ----------
    folder
        The orders, as for `trueup import olist`.
    rounds
        Rebuilds, one after the other.
    """
    try:
        asyncio.run(_measured(folder.resolve(), rounds))
    except Broken as error:
        sys.exit(f"not measured: {error}")


async def _measured(folder: Path, rounds: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="trueup-rebuild-"))
    mesh = Mesh(home, {})
    try:
        await mesh.up({})
        async with watching(mesh) as lookout:
            await imported(mesh, folder)
            await settled(lookout)
        broker = NatsBroker(mesh.urls["NATS_URL"], name="bench")
        await broker.open()
        try:
            expected = await _answers(broker)
            rates = [await _round(mesh, broker, expected) for _ in range(rounds)]
        finally:
            await broker.close()
    finally:
        await mesh.down()
        shutil.rmtree(home, ignore_errors=True)
    print(f"median {statistics.median(rates):,.0f} events a second; {machine.described()}")


async def _answers(broker: Broker) -> Mapping[tuple[str, bytes], bytes]:
    """What some questions are answered while nobody rebuilds."""
    recent = await broker.request(subjects.query(VIEW, "recent"), b'{"limit":%d}' % ASKED)
    ids = [row["id"] for row in msgspec.json.decode(recent.body)["rows"]]
    questions = [(subjects.query(VIEW, "get", id), b"") for id in ids]
    questions += [(subjects.query(VIEW, "counts"), b""), (subjects.query(VIEW, "recent"), b"")]
    return {
        (subject, body): (await broker.request(subject, body)).body for subject, body in questions
    }


async def _round(mesh: Mesh, broker: Broker, expected: Mapping[tuple[str, bytes], bytes]) -> float:
    asked = Asked()
    asking = [asyncio.create_task(_ask(broker, expected, asked)) for _ in range(CLIENTS)]
    try:
        report = await rebuilt(mesh, VIEW)
    finally:
        await end(asking)
    rate = report.events / report.seconds
    ordered = sorted(asked.milliseconds)
    print(
        f"{report.events:,} events in {report.seconds:.1f} s, {rate:,.0f}/s; "
        f"{report.compared:,} keys compared, {report.differing} differ; "
        f"handed over in {report.handing_over * 1000:.0f} ms; "
        f"{len(ordered):,} questions answered, {asked.wrong} wrong, {asked.failed} failed; "
        f"p50 {statistics.median(ordered):.1f}, p99 {ordered[int(len(ordered) * 0.99)]:.1f}, "
        f"longest {ordered[-1]:.1f} ms",
        flush=True,
    )
    return rate


async def _ask(broker: Broker, expected: Mapping[tuple[str, bytes], bytes], asked: Asked) -> None:
    questions = list(expected)
    while True:
        question = random.choice(questions)
        began = time.perf_counter()
        try:
            reply = await broker.request(*question, timeout=10)
        except (NoResponders, BrokerUnavailable) as error:
            asked.failed += 1
            say(f"{question[0]}: {error}")
            continue
        asked.milliseconds.append((time.perf_counter() - began) * 1000)
        asked.wrong += reply.body != expected[question]
        await asyncio.sleep(REST)


if __name__ == "__main__":
    app()
