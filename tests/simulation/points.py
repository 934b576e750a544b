"""Kills each process of a shop at each of its fail points: `python -m tests.simulation.points`.

A fail point is just before, or just after, the n-th call that a process makes of its ports. For
n = 1, 2, 3, … a day in the shop is lived with a death there, until the process makes fewer
calls. Exit codes: 0 all books agreed each time, 1 some did not, 2 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import structlog
from rich.console import Console
from rich.table import Table

from scripts.chaos.failpoints import SIDES, Point, Side
from tests.simulation.exploring import PROCESSES, live


class Explored(NamedTuple):
    """By call and side, how often the process has died there; and the books that were wrong."""

    process: str
    points: Counter[tuple[str, Side]]
    wrong: list[str]


def main() -> None:
    arguments = _arguments()
    logging.disable(logging.CRITICAL)  # asyncio would tell of what the dead leave behind
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    explored = []
    for process in arguments.process or PROCESSES:
        explored.append(explore(process, arguments.deaths))
        print(_line(explored[-1]), flush=True)
    _show(explored)
    sys.exit(any(one.wrong for one in explored))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.points", description=__doc__)
    parser.add_argument("process", nargs="*", help=f"of {', '.join(PROCESSES)}; all unless named")
    parser.add_argument("--deaths", type=int, default=1, help="in a row, at the same number")
    found = parser.parse_args()
    if unknown := set(found.process) - set(PROCESSES):
        parser.error(f"there is no process {', '.join(sorted(unknown))}")
    return found


def explore(process: str, deaths: int = 1) -> Explored:
    """Each fail point of the process, a day each."""
    found = Explored(process, Counter(), [])
    more = True
    number = 0
    while more:
        number += 1
        lived = [_lives_on(found, number, side, deaths) for side in SIDES]
        more = any(lived)
    return found


def _lives_on(found: Explored, number: int, side: Side, deaths: int) -> bool:
    """Whether the process makes as many calls as that, so that there may be more."""

    def chosen(point: Point) -> bool:
        return point.call.number == number and point.side == side

    try:
        lived = asyncio.run(live(found.process, chosen, lives=deaths))
    except Exception:  # whatever it is, it is told, and the other points are seen
        found.wrong.append(f"dead {side} call {number}: {traceback.format_exc()}")
        return True
    if lived.struck is not None:
        found.points[lived.struck.call.name, side] += 1
    return len(lived.calls) >= number


def _line(found: Explored) -> str:
    return f"{found.process}: {found.points.total()} points, {len(found.wrong)} with wrong books"


def _show(explored: Sequence[Explored]) -> None:
    table = Table("call", *SIDES, box=None)
    total = sum((one.points for one in explored), Counter[tuple[str, Side]]())
    for name in sorted({name for name, _ in total}):
        table.add_row(name, *(str(total[name, side]) for side in SIDES))
    console = Console()
    console.print(table)
    wrong = [f"{one.process} {text}" for one in explored for text in one.wrong]
    console.print(f"{total.total()} points, {len(wrong)} with wrong books", highlight=False)
    for text in wrong:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
