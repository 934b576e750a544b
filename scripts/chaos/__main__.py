"""`python -m scripts.chaos FOLDER`: the whole campaign, or the scenarios that are named.

Exit codes: 0 everything held, 1 something did not, 2 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from pathlib import Path

from rich.console import Console

from scripts.chaos.campaign import Outcome, play
from scripts.chaos.scenarios import ALL
from scripts.chaos.table import show


def main() -> None:
    arguments = _arguments()
    console = Console()
    console.print(f"seed {arguments.seed}", highlight=False)
    outcomes = asyncio.run(_campaign(arguments, console))
    show(outcomes, console)
    sys.exit(any(outcome.broken for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    names = [scenario.name for scenario in ALL]
    parser = argparse.ArgumentParser(prog="python -m scripts.chaos", description=__doc__)
    parser.add_argument("folder", type=Path, help="the orders to play, as for trueup import")
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(names)}; all unless named")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="chance, the same again")
    parser.add_argument("--rounds", type=int, help="of each scenario, instead of its own number")
    parser.add_argument("--keep", action="store_true", help="the folders of the meshes, for a look")
    found = parser.parse_args()
    if unknown := set(found.scenario) - set(names):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    return found


async def _campaign(arguments: argparse.Namespace, console: Console) -> list[Outcome]:
    outcomes = []
    for scenario in ALL:
        if scenario.name not in (arguments.scenario or [s.name for s in ALL]):
            continue
        for number in range(1, (arguments.rounds or scenario.rounds) + 1):
            console.print(f"{scenario.name}, mesh {number}", highlight=False)
            seed = f"{arguments.seed}-{scenario.name}-{number}"
            outcomes.append(await play(scenario, arguments.folder, seed, _say, keep=arguments.keep))
            _tell(outcomes[-1])
    return outcomes


def _tell(outcome: Outcome) -> None:
    for line in outcome.proven:
        _say(f"  {line}")
    if outcome.broken:
        _say(f"  BROKEN: {outcome.broken}")
    where = f", in {outcome.kept}" if outcome.kept else ""
    _say(f"  {outcome.imports} imports, {outcome.seconds:.0f} s{where}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
