"""The course of a run: everything in turn, several rounds, so that a busy moment hits all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from scripts.bench import library, pgbench, trueup
from scripts.bench.figures import Figure, Pace, figure
from scripts.bench.ground import Ground
from scripts.bench.usage import Usage

NEW, FIFTH, AGAIN = "new", "fifth", "again"
"""A command to a new aggregate; to one with five events that the service must load; and to
the same one once more, while the service has its state in memory."""
CASES = (NEW, FIFTH, AGAIN)
TRUEUP, ECHO = "trueup", "echo"
KEPT = 18_000
"""Aggregates that are prepared at most: about as many as a service keeps in memory."""


class Plan(NamedTuple):
    """`seconds` that count for each measurement, after `warm_up` that don't."""

    clients: Sequence[int]
    seconds: float
    warm_up: float
    rounds: int


class Measured(NamedTuple):
    """`who` did `case` (which some don't tell apart) for `clients`."""

    who: str
    case: str
    clients: int


Results = Mapping[Measured, Sequence[Figure]]
"""Of each round."""


async def run(ground: Ground, plan: Plan, say: Callable[[str], None]) -> Results:
    """All rounds. The service must be running."""
    found: dict[Measured, list[Figure]] = defaultdict(list)
    await pgbench.prepare(ground.database("plain"))
    for number in range(1, plan.rounds + 1):
        for clients in plan.clients:
            say(f"round {number} of {plan.rounds}, {clients} clients")
            await _round(ground, plan, clients, found)
    return found


async def _round(
    ground: Ground, plan: Plan, clients: int, found: dict[Measured, list[Figure]]
) -> None:
    def add(who: str, case: str, figure: Figure) -> None:
        found[Measured(who, case, clients)].append(figure)

    pace, in_all = Pace(clients, plan.seconds, plan.warm_up), plan.seconds + plan.warm_up
    add(pgbench.DEFAULT, "", await _pgbench(ground, pgbench.DEFAULT, pace))
    new = await trueup.measure(ground, trueup.new_ids(in_all), pace)
    add(TRUEUP, NEW, new)
    add(pgbench.PREPARED, "", await _pgbench(ground, pgbench.PREPARED, pace))
    old = await trueup.prepared_ids(ground, _enough(new, in_all))
    for case in (FIFTH, AGAIN):
        add(TRUEUP, case, await trueup.measure(ground, old, pace))
    for way in (library.DEFAULT, library.FUNCTIONS):
        for case in (NEW, FIFTH):
            add(way, case, await library.measure(ground, way, case, pace))
    add(ECHO, "", await trueup.measure_echo(ground, pace))


async def _pgbench(ground: Ground, way: str, pace: Pace) -> Figure:
    usage = Usage({"postgres": ground.processes()["postgres"]})
    found = await pgbench.measure(ground.database("plain"), ground.folder, way, pace)
    return figure(found, usage.busy())


def _enough(new: Figure, seconds: float) -> int:
    """More than can be used, also where others were using the machine a moment ago: with
    the last of them the measurement ends."""
    return min(KEPT, int(max(new.per_second * 3, 5000) * seconds))
