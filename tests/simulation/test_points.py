"""Wherever a process dies, the books and the views agree in the end.

A part of the exploration: the fail points that matter most, and a few left to a chance that is
always the same. All of it is `python -m tests.simulation.points`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from scripts.chaos.failpoints import SIDES, Call, Point, Side
from tests.simulation.exploring import PROCESSES, live
from tests.simulation.mortal import Chosen, never

SAMPLE = 2
"""Points of each process that are left to chance, besides the named ones."""
COMMITS = ("store.write", "store.safe", "broker.publish_run")
"""Between decision and commit, between commit and stream."""
ANSWERS = ("cmd.respond", "submit.ack", "broker.publish")
"""Between commit and reply; a stored command that is done; the news that one was refused."""
REACTS = ("store.checkpoint", "broker.read_stream")
VIEW = ("broker.read_stream", "view.load", "view.write", "view.snapshot", "qry.respond")
"""Between stream and rows (their checkpoint is in the same write), between rows and answer."""
WRITES = ("store.write", "view.write")
"""Of these more than one: not every write has rows or events."""
NAMED = {
    "catalog": (*COMMITS, *ANSWERS),
    "ordering": (*COMMITS, *ANSWERS, *REACTS, "store.due"),
    "inventory": (*COMMITS, *ANSWERS, *REACTS),
    "payments": (*COMMITS, *REACTS, "store.due", "outside.call", "store.postpone"),
    "shipping": (*COMMITS, *ANSWERS, *REACTS),
    "reconciliation": (),  # on that day nothing disagrees
}


@pytest.mark.parametrize("process", PROCESSES)
async def test_wherever_a_process_dies_the_books_agree(process: str) -> None:
    chance = random.Random(process)
    alive = await live(process, never)
    assert alive.struck is None
    for _ in range(SAMPLE):
        point = Point(chance.choice(alive.calls), chance.choice(SIDES))
        await live(process, _at(point.call.name, point.call.time, point.side))


@pytest.mark.parametrize("process", PROCESSES)
async def test_a_process_dies_at_each_of_its_named_points_and_the_books_agree(
    process: str,
) -> None:
    chance = random.Random(process)
    alive = await live(process, never)
    named = NAMED.get(process, VIEW)
    struck = set()
    for name in named:
        for time in _times(name, alive.calls, chance):
            for side in SIDES:
                lived = await live(process, _at(name, time, side))
                assert lived.struck is not None
                struck.add((lived.struck.call.name, lived.struck.side))
    assert struck == {(name, side) for name in named for side in SIDES}


def _at(name: str, time: int, side: Side) -> Chosen:
    return lambda point: (point.call.name, point.call.time, point.side) == (name, time, side)


def _times(name: str, calls: Sequence[Call], chance: random.Random) -> Sequence[int]:
    """None of the last: a process may go on waiting in these when the day is over."""
    early = sum(call.name == name for call in calls) * 2 // 3 or 1
    return chance.sample(range(1, early + 1), min(early, 2 if name in WRITES else 1))
