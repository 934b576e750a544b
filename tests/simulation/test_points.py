"""Wherever a process dies, the books and the views agree in the end.

A part of the exploration: the fail points that matter most, and a few left to a chance that is
always the same. All of it is `python -m tests.simulation.points`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from scripts.chaos.failpoints import SIDES, Call, Point
from tests.simulation.exploring import PROCESSES, live
from tests.simulation.mortal import never

SAMPLE = 3
"""Points of each process that are left to chance, besides the named ones."""
COMMITS = ("store.append", "broker.publish_run")
"""Between decision and commit, between commit and stream."""
ANSWERS = ("cmd.respond", "submit.ack", "broker.publish")
"""Between commit and reply; a stored command that is done; the news that one was refused."""
REACTS = ("store.checkpoint", "broker.read_stream")
VIEW = ("broker.read_stream", "view.load", "view.write", "view.snapshot", "qry.respond")
"""Between stream and rows (their checkpoint is in the same write), between rows and answer."""
NAMED = {
    "catalog": (*COMMITS, *ANSWERS),
    "ordering": (*COMMITS, *ANSWERS, *REACTS, "store.due"),
    "inventory": (*COMMITS, *ANSWERS, *REACTS),
    "payments": (*COMMITS, *REACTS, "store.due", "outside.call", "store.postpone"),
    "shipping": (*COMMITS, *ANSWERS, *REACTS),
}


@pytest.mark.parametrize("process", PROCESSES)
async def test_wherever_a_process_dies_the_books_agree(process: str) -> None:
    chance = random.Random(process)
    alive = await live(process, never)
    assert alive.struck is None
    for _ in range(SAMPLE):
        point = Point(chance.choice(alive.calls), chance.choice(SIDES))
        await live(process, lambda passed, chosen=point: passed == chosen)  # type: ignore[misc]


@pytest.mark.parametrize("process", PROCESSES)
async def test_a_process_dies_at_each_of_its_named_points_and_the_books_agree(
    process: str,
) -> None:
    chance = random.Random(process)
    alive = await live(process, never)
    named = NAMED.get(process, VIEW)
    struck = set()
    for name in named:
        for side in SIDES:
            time = _time(name, alive.calls, chance)

            def chosen(at: Point, name: str = name, side: str = side, time: int = time) -> bool:
                return (at.call.name, at.call.time, at.side) == (name, time, side)

            lived = await live(process, chosen)
            assert lived.deaths == 1
            struck.add((lived.struck and lived.struck.call.name, side))
    assert struck == {(name, side) for name in named for side in SIDES}


def _time(name: str, calls: Sequence[Call], chance: random.Random) -> int:
    """Not one of the last: a process may go on waiting in these when the day is over."""
    times = sum(call.name == name for call in calls)
    return chance.randint(1, max(1, times * 2 // 3))
