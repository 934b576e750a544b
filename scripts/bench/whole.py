"""The whole shop at work: real orders through every service, from start to the last view.

    .venv/bin/python -m scripts.bench.whole FOLDER

It starts a mesh of its own (embedded servers, fsync on, every domain and view a process),
plays the orders of FOLDER through the public commands as `trueup import olist --live` does,
waits until everybody has everything, and then holds the shop against the files and every
stream against its store. With --profile it also says where each process's time goes.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from msgspec import Struct

from scripts.bench import machine, whole_profile, whole_table
from scripts.bench.shop import imported, settled
from scripts.bench.whole_usage import Used, Watch
from scripts.chaos.lookout import watching
from scripts.chaos.mesh import Broken, Mesh
from scripts.commands.output import print_json, say
from scripts.supervisor import discovery

Flag = Annotated[bool, Parameter(negative=())]

app = App(
    name="whole", help="The whole shop at work: orders a second, and what each process takes."
)


class Whole(Struct, frozen=True):
    """`seconds` from the first command to the last view; `events` in all stores; `verdicts`
    of the checks; `hot` by process: its busiest functions with their share of its time."""

    machine: str
    orders: int
    events: int
    seconds: float
    used: Mapping[str, Used]
    verdicts: Sequence[str]
    hot: Mapping[str, Sequence[whole_profile.Hot]]


@app.default
def whole(
    folder: Path,
    /,
    *,
    processes: Annotated[int, Parameter(validator=Number(gte=1, lte=8))] = 1,
    profile: Annotated[int, Parameter(validator=Number(gte=0, lte=600))] = 0,
    check: Annotated[bool, Parameter(negative="--no-check")] = True,
    json: Flag = False,
) -> None:
    """Measure, and print a table.

    Parameters
    ----------
    folder
        The orders, as for `trueup import olist`.
    processes
        Of each domain.
    profile
        Seconds for which py-spy looks at every process while orders are played; 0: not at all.
        It takes a part of the processors, so that the figures are not those without it.
    check
        Hold the shop against the files, and the streams against the stores.
    json
        One object instead of the table.
    """
    try:
        found = asyncio.run(_measured(folder.resolve(), processes, profile, check=check))
    except Broken as error:
        sys.exit(f"not measured: {error}")
    if json:
        print_json(msgspec.to_builtins(found))
    else:
        command = " ".join([".venv/bin/python -m scripts.bench.whole", *sys.argv[1:]])
        whole_table.show(found, command)


async def _measured(folder: Path, processes: int, profile: int, *, check: bool) -> Whole:
    home = Path(tempfile.mkdtemp(prefix="trueup-whole-"))
    mesh = Mesh(home, {})
    try:
        await mesh.up(dict.fromkeys(discovery.domains(), processes))
        return await _played(mesh, folder, profile, check=check)
    finally:
        await mesh.down()
        shutil.rmtree(home, ignore_errors=True)


async def _played(mesh: Mesh, folder: Path, profile: int, *, check: bool) -> Whole:
    async with watching(mesh) as lookout:
        watch = Watch(mesh.run.processes)
        profiling = asyncio.create_task(whole_profile.taken(mesh, lookout, profile))
        said = await imported(mesh, folder)
        rest, heads = await settled(lookout)
        seconds = said.seconds + rest - said.ended
        used = watch.used()
    return Whole(
        machine.described(),
        sum(said.ends.values()),
        sum(heads.values()),
        seconds,
        used,
        await _checked(mesh, folder) if check else (),
        await profiling,
    )


async def _checked(mesh: Mesh, folder: Path) -> Sequence[str]:
    """The last line of each check. Raises Broken where one fails."""
    verdicts = []
    for words in (("check", "olist", str(folder)), ("check", "streams"), ("audit", "--full")):
        say(f"trueup {' '.join(words[:2])} …")
        said = await mesh.trueup(*words)
        if said.code:
            raise Broken(f"trueup {' '.join(words[:2])}: {said.out.strip()} {said.err.strip()}")
        verdicts.append(said.out.strip().splitlines()[-1])
    return verdicts


if __name__ == "__main__":
    app()
